#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "harness/coherence/machine.hpp"
#include "harness/coherence/topology.hpp"
#include "harness/lab/cell.hpp"
#include "harness/lab/engine.hpp"
#include "harness/lab/page_budget.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/native_machine.hpp"
#include "harness/machine/sanitizers.hpp"
#include "harness/projection/projection.hpp"
#include "harness/simulation/execution.hpp"
#include "harness/simulation/machine.hpp"
#include "harness/verify/verify.hpp"

#ifndef SHADOWWALK_VERSION
#error "link shadowwalk::plugin (find_package(shadowwalk)): it says against which version a plug-in is built"
#endif

/// What must be the same on both sides of a plug-in's border: C++ has no stable ABI, the lab's own headers have none
/// from one version to the next, and a plug-in inlines half of the engine. So one line of text describes all of it. The
/// plug-in carries that line as an ELF note, which is read before any of its code is loaded.
namespace shadowwalk::plugin {

inline constexpr std::string_view kNoteOwner = "shadowwalk";
inline constexpr std::uint32_t kNoteType = 1;

/// Incremented when plug-in and program become incompatible in a way that kLayoutHash does not show: the order of
/// virtual functions, the meaning of a field.
inline constexpr int kRevision = 2;

/// FNV-1a over size and alignment of each type.
template <class... Types>
constexpr std::uint64_t layout_hash() {
  std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
  for (const std::size_t part : {sizeof(Types)..., alignof(Types)...}) hash = (hash ^ part) * 0x100'0000'01b3;
  return hash;
}

/// Of the types that cross the border, or that one side makes and the other uses.
inline constexpr std::uint64_t kLayoutHash =
    layout_hash<VariantInfo, VariantEntry, CellConfig, Engine, EngineVcpu, NativeMachine, Vcpu, MmuLock, Rcu, Window,
                PageBudget, WalkRecord, WalkCounts, HostAction, ReplayAction, Zapped, MmuRecords, Footprint, Histogram,
                Access, CellMeasurement, verify::VerifyConfig, verify::Report, simulation::Execution, SimulatedMachine,
                SimulatedMachine::Vcpu, projection::Projected, coherence::Topology, CoherentMachine,
                CoherentMachine::Vcpu>();

/// Text that the compiler puts together, since a note cannot be computed when a file is loaded.
class AbiText {
 public:
  constexpr AbiText& operator<<(std::string_view text) {
    for (const char letter : text) characters_.at(size_++) = letter;  // too long: does not compile
    return *this;
  }
  constexpr AbiText& operator<<(std::uint64_t number) { return append(number, 10, 1); }
  constexpr AbiText& hexadecimal(std::uint64_t number) { return append(number, 16, 16); }
  constexpr std::string_view view() const { return {characters_.data(), size_}; }

 private:
  constexpr AbiText& append(std::uint64_t number, std::uint64_t base, std::size_t least_digits) {
    std::array<char, 20> digits{};
    std::size_t count = 0;
    for (; number != 0 || count < least_digits; number /= base) digits[count++] = "0123456789abcdef"[number % base];
    while (count != 0) characters_.at(size_++) = digits[--count];
    return *this;
  }

  std::array<char, 160> characters_{};
  std::size_t size_ = 0;
};

/// "shadowwalk 0.1.0, plug-in revision 2, layout 0123456789abcdef, g++ 12, C++ ABI 1017, libstdc++ 12"
constexpr AbiText abi_of_this_build() {
  AbiText text;
  text << "shadowwalk " SHADOWWALK_VERSION ", plug-in revision " << std::uint64_t{kRevision} << ", layout ";
  text.hexadecimal(kLayoutHash);
#ifdef __clang__
  text << ", clang++ " << std::uint64_t{__clang_major__};
#else
  text << ", g++ " << std::uint64_t{__GNUC__};
#endif
  text << ", C++ ABI " << std::uint64_t{__GXX_ABI_VERSION} << ", libstdc++ " << std::uint64_t{_GLIBCXX_RELEASE};
#if defined(SHADOWWALK_TSAN)
  text << ", ThreadSanitizer";
#elif defined(SHADOWWALK_ASAN)
  text << ", AddressSanitizer";
#endif
  return text;
}
inline constexpr AbiText kAbi = abi_of_this_build();

/// The note as it lies in the file: an Elf64_Nhdr, the owner, the text.
struct AbiNote {
  std::uint32_t owner_size = kNoteOwner.size() + 1;
  std::uint32_t text_size = sizeof(text);
  std::uint32_t type = kNoteType;
  char owner[12] = "shadowwalk";
  char text[160]{};

  constexpr AbiNote() { std::ranges::copy(kAbi.view(), text); }
};
static_assert(alignof(AbiNote) == 4 && kNoteOwner.size() < sizeof(AbiNote::owner));

}  // namespace shadowwalk::plugin
