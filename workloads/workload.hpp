#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/guest/guest_params.hpp"
#include "workloads/guest_knobs.hpp"
#include "workloads/host_action.hpp"

/// Workloads are data: what the guest does, and what the host does to its memory meanwhile. Each is one TOML file
/// (docs/workloads.md). This folder holds the shipped ones; workload_file.hpp reads others.
namespace shadowwalk {

/// What a kind of host action is on every machine: one row per kind. HostActor::act() (harness/lab) performs it on the
/// lab's trees, HostBeats (harness/host_kvm) on the host's own kernel.
struct HostActionInfo {
  HostAction::Kind kind;
  std::string_view name;  ///< in a workload's file
  bool takes_pages;       ///< HostAction::pages is how many at a beat
  bool in_order;          ///< goes on where the last beat ended: zappers take turns, and only one is simulated
  bool by_quota;          ///< host-kvm: the kernel chooses what it zaps, by its quota of shadow pages
  std::string_view host_kvm_calls;  ///< host-kvm: the system calls of a beat
  /// Shadow pages that a beat retires, at most.
  double (*retires)(const HostAction& action, std::uint64_t working_set);
  std::string_view not_on_host_kvm{};  ///< why host-kvm refuses it; empty: it does not
  std::string_view not_simulated{};    ///< why `shadowwalk project` refuses it; empty: it does not
};
/// Every kind, in the order of the enumerators.
std::span<const HostActionInfo> host_action_infos();
inline const HostActionInfo& info(const HostAction& action) {
  return host_action_infos()[static_cast<std::size_t>(action.kind)];
}

/// One stream of a phase; its place and size are percentages of the working set.
struct StreamShape {
  AccessStream stream;  ///< first_page and pages are filled in from the shares
  double first_percent = 0;
  double pages_percent = 100;
};

struct PhaseShape {
  std::uint64_t accesses = 0;  ///< per vCPU; 0: the phase never ends
  std::chrono::microseconds idle{0};
  std::vector<StreamShape> streams;
};

/// One vCPU that stops inside a walk now and then: descheduled, in an SMI, stopped by a debugger.
struct WalkerStall {
  std::chrono::microseconds every{0};  ///< from the end of one stall to the next; 0: none
  std::chrono::microseconds time{0};   ///< how long
};

/// A named case. Read from TOML; constant afterwards.
struct Workload {
  std::string name;
  std::string summary;     ///< one line: the real-world case
  std::string guest_part;  ///< what the guest does
  std::string host_part;   ///< what the host does meanwhile
  std::string stresses;    ///< what it shows about a scheme
  std::string text;        ///< the TOML that it was read from

  std::vector<PhaseShape> phases;
  double zipf_skew = 1;
  unsigned active_vcpus = 0;          ///< the others halt for `idle` after each burst; 0: all are active
  std::chrono::microseconds idle{0};  ///< of vCPUs that are not active
  unsigned vcpus_per_cpu = 1;         ///< vCPU threads that share a CPU
  std::vector<HostAction> host;       ///< empty: zappers have nothing to do
  unsigned quota_percent = 0;         ///< maximum of shadow pages, in percent of what the working set needs; 0: none
  WalkerStall stall;                  ///< of vCPU 0
  std::uint64_t working_set = 4096;   ///< 4 KiB pages, unless the command line says otherwise

  /// Events (docs/result-format.md) without which a cell did not measure this workload, and fails: the guest's, and, in
  /// cells with zappers, the host's.
  std::vector<std::string> guest_requires_events;
  std::vector<std::string> host_requires_events;
};

/// The shipped ones, in the order in which they are listed. Parsed at the first call; thread-safe.
std::span<const Workload> workloads();
/// Null if no workload has that name.
const Workload* find_workload(std::string_view name);

/// The shipped workload of that name, or the one that the file holds. Throws InputError: unknown name, or what is wrong
/// with the file.
Workload load_workload(std::string_view name_or_file);

/// The guest's part, in pages. Throws InputError, in one line, if a knob does not suit the workload.
GuestParams guest_params(const Workload& workload, const GuestKnobs& knobs);

/// How many shadow pages a working set needs at most, over all levels.
double shadow_pages_of(std::uint64_t working_set);
/// How many shadow pages one beat retires on average, at most. A cell's memory is planned by it.
double pages_retired_per_beat(const Workload& workload, std::uint64_t working_set);

}  // namespace shadowwalk
