// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "harness/guest/access.hpp"
#include "harness/guest/guest_params.hpp"
#include "harness/guest/kvm_statistics.hpp"
#include "harness/machine/line.hpp"

/// Guests produce accesses; they know nothing about the MMU that serves them.
namespace shadowwalk {

/// One vCPU of a guest. All members are for the vCPU's own thread, immediate_exit() excepted.
class GuestVcpu {
 public:
  virtual ~GuestVcpu() = default;

  /// Runs the guest until it exits. Returns the accesses it made since its last exit: one for an MMIO exit,
  /// `burst` for a doorbell, none when it was kicked (a signal, or immediate_exit was set). The span stays valid
  /// until the next call. Throws CellError, naming the exit and the guest's rip, if the guest crashed or lied.
  virtual std::span<const Access> enter() = 0;

  /// How long the guest halts after the last burst that enter() returned, in microseconds (HLT until a timer, in a real
  /// guest): the caller lets the vCPU's thread wait outside guest mode. 0..guest_abi::kMaxIdleUs.
  virtual std::uint64_t idle_us() const = 0;

  /// kvm_run->immediate_exit, or the thread guest's twin: while it is 1, enter() returns at once with no access, and
  /// what the guest had begun goes on with the next call. Any thread may set it (before it signals the vCPU's thread);
  /// only the vCPU's own thread clears it, enter() never does. Both through std::atomic_ref.
  virtual std::uint8_t& immediate_exit() = 0;
};

/// The vCPUs may run on one thread each, concurrently. A guest must outlive its threads' calls.
class Guest {
 public:
  virtual ~Guest() = default;
  /// `index` < GuestConfig::vcpus.
  virtual GuestVcpu& vcpu(unsigned index) = 0;

  /// What the kernel counted of this guest so far. Any thread, while vCPUs run too.
  virtual KvmStatistics statistics() const = 0;
};

/// The guest program, an interpreter of GuestParams, in its two compiled forms. workloads/guest/ has the only one.
struct GuestProgram {
  /// Fills `out` with the program's next accesses: the ordinary compilation.
  void (*produce)(GuestProgramState& state, std::span<Access> out) = nullptr;
  /// The freestanding compilation: a flat image (guest_abi.hpp). Outlives the guest. Empty on hosts that have
  /// none.
  std::span<const std::byte> image;
};

enum class GuestKind {
  kvm,
  thread,
  trace,      ///< a trace's accesses; not of make_guest(), but of harness/replay
  automatic,  ///< one of the others, to be chosen when a cell is prepared; not of make_guest()
};

struct GuestConfig {
  GuestKind kind = GuestKind::thread;
  unsigned vcpus = 1;            ///< 1..1024
  unsigned burst = 1;            ///< accesses per exit, 1..65536; 1 is the faithful path: each access is an MMIO exit
  GuestParams params{};          ///< as given to every vCPU; make_guest fills in `vcpu` and `burst`
  unsigned active_vcpus = 1024;  ///< the vCPUs from this index on are idle: they halt longer after each burst
  std::uint64_t idle_us = 0;     ///< by so long; with all other idling at most guest_abi::kMaxIdleUs
  GuestProgram program{};
};

/// Throws InputError if /dev/kvm cannot serve (kvm) or the configuration is out of range; CellError on ioctl failure.
std::unique_ptr<Guest> make_guest(const GuestConfig& config);

using GuestLine = Line<256>;

/// One line that names the field, its value and its range, unless every field of `config` but the program is in its
/// range and all streams lie in the lab's window: then an empty one. Needs no operating system (the kernel module
/// checks its requests by it).
GuestLine what_is_wrong(const GuestConfig& config);
/// Throws InputError if anything is.
void check_guest(const GuestConfig& config);

/// Zipf's distribution over `pages` (1..2^36) pages: rank r, from 0, with a probability near 1/(r+1)^skew, 0 < skew
/// <= 4. The table's ranks are spread over the pages by a bijection: neighbours in rank lie far apart, as hot pages of
/// a guest do not all lie below one page table. Throws InputError, naming the range, for anything else.
ZipfTable make_zipf_table(std::uint64_t pages, double skew);

/// What vCPU `index` of either kind of guest starts from. `config` is one that make_guest accepts.
GuestProgramState initial_state(const GuestConfig& config, unsigned index);

/// Empty if KVM guests can run here, by this device file, else the reason in words ("/dev/kvm: permission denied (add
/// yourself to group kvm)").
std::string kvm_unavailable_reason(const std::string& device = "/dev/kvm");

}  // namespace shadowwalk
