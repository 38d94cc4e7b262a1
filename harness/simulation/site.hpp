#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shadowwalk::simulation {

/// Where a function was called, as its default argument. (clang 14 has no std::source_location.)
struct SourceLine {
  const char* file;
  unsigned line;
  static constexpr SourceLine current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

/// A place in the source that orders something or makes others wait: a barrier, an access whose order is stronger than
/// relaxed, an IPI, an interrupt gate.
struct Site {
  enum class Kind : std::uint8_t {
    full_fence,          ///< weakened: none
    exchange,            ///< store and full barrier in one; weakened: a plain store
    read_modify_write,   ///< any other; locked on x86 whatever its order, so that weakening it changes nothing
    release_store,       ///< weakened: relaxed
    acquire_load,        ///< loads are not reordered: weakening it changes nothing
    flush,               ///< of remote TLBs; weakened: none
    interrupt_gate,      ///< closed for a section; weakened: stays open
    ipi,                 ///< weakened: neither sent nor waited for
    ipi_wait,            ///< for the acknowledgement; weakened: none
    ipi_sender_barrier,  ///< what the sender stored is seen before the IPI arrives; weakened: may be seen later
    ipi_target_barrier   ///< what the target stored is seen before it acknowledges; weakened: may be seen later
  };
  std::string file;  ///< relative to the project's folder
  unsigned line = 0;
  Kind kind = Kind::full_fence;

  friend auto operator<=>(const Site&, const Site&) = default;
};

inline constexpr std::array<std::pair<Site::Kind, std::string_view>, 11> kSiteKinds = {
    {{Site::Kind::full_fence, "full fence"},
     {Site::Kind::exchange, "exchange"},
     {Site::Kind::read_modify_write, "locked operation"},
     {Site::Kind::release_store, "release store"},
     {Site::Kind::acquire_load, "acquire load"},
     {Site::Kind::flush, "TLB flush"},
     {Site::Kind::interrupt_gate, "interrupt gate"},
     {Site::Kind::ipi, "IPI"},
     {Site::Kind::ipi_wait, "wait for IPI"},
     {Site::Kind::ipi_sender_barrier, "barrier of IPI's sender"},
     {Site::Kind::ipi_target_barrier, "barrier of IPI's target"}}};

static_assert(
    [] {
      for (std::size_t i = 0; i < kSiteKinds.size(); ++i) {
        if (static_cast<std::size_t>(kSiteKinds[i].first) != i) return false;
      }
      return static_cast<std::size_t>(Site::Kind::ipi_target_barrier) + 1 == kSiteKinds.size();
    }(),
    "kSiteKinds has one row per kind, in the order of the enum");

constexpr std::string_view in_words(Site::Kind kind) { return kSiteKinds[static_cast<std::size_t>(kind)].second; }

/// A path relative to the project's folder; for a file outside of it, such as a plug-in's, the file's name.
constexpr std::string_view within_project(std::string_view file) {
  for (const std::string_view folder : {"variants/", "harness/", "tests/"}) {
    if (const std::size_t at = file.rfind(folder); at != std::string_view::npos) return file.substr(at);
  }
  return file.substr(file.rfind('/') + 1);
}

/// The sites that a program has passed.
class SiteCollection {
 public:
  void add(const SourceLine& where, Site::Kind kind) {
    for (const Passed& passed : passed_) {
      if (passed.line == where.line && passed.kind == kind && passed.file == where.file) return;
    }
    passed_.push_back({where.file, where.line, kind});
  }
  std::set<Site> sites() const {
    std::set<Site> all;
    for (const Passed& passed : passed_) {
      all.insert({std::string(within_project(passed.file)), passed.line, passed.kind});
    }
    return all;
  }

 private:
  /// Compares files by pointer, as this happens at each step. One file may have several pointers.
  struct Passed {
    const char* file;
    unsigned line;
    Site::Kind kind;
  };
  std::vector<Passed> passed_;
};

}  // namespace shadowwalk::simulation
