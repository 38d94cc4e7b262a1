#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/guest/guest.hpp"
#include "harness/lab/cell_request.hpp"
#include "harness/lab/page_budget.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/placement.hpp"
#include "harness/measure/pmu/event_encoder.hpp"
#include "harness/trace/trace_event.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {

struct CellResult;
struct PreparedCell;

/// A prepared cell that the lab's own engine does not run: of a reference, which is no scheme of the lab's
/// (VariantEntry::prepare_reference), or of another machine than user space (set_kernel_machine()).
class ReferenceCell {
 public:
  virtual ~ReferenceCell() = default;
  /// As run_cell() does for the lab's own, and with the result at once.
  virtual CellResult measure(const PreparedCell& cell) const = 0;
};

/// A cell of which everything is known and allowed: what run_cell() needs.
struct PreparedCell {
  CellConfig config;  ///< after all decisions; its hooks (on_ready, observer, counters, timeline) may still be set
  const VariantEntry* variant = nullptr;
  Workload workload;                      ///< of a trace: a name, and nothing else
  GuestConfig guest;                      ///< none of a trace, which is its own guest
  std::optional<trace::TraceInfo> trace;  ///< what the trace holds, if the workload is one
  Placement placement = Placement::parse("auto");
  pmu::EncodedSelection events;
  PageBudget budget;
  std::shared_ptr<const ReferenceCell> reference;  ///< null: the lab's own engine runs it

  std::vector<std::string> options;  ///< that ask for just this cell: `--variant irq-ipi ...`
  std::vector<std::string> notices;  ///< decisions that a user should know of, a line each

  /// A closed loop's feeder is as busy as the vCPUs that it feeds. The reclaimer is no busy thread: it sleeps while
  /// there are no callbacks (CellCpus says when it must wait for a CPU).
  unsigned busy_threads() const {
    return config.vcpus + config.zappers + (config.pace && config.pace->closed_loop ? 1 : 0);
  }
  bool vcpus_share_cpus() const { return workload.vcpus_per_cpu > 1 && config.vcpus > 1; }
  /// There are more busy threads than CPUs.
  bool oversubscribed() const { return busy_threads() > placement.cpus() || vcpus_share_cpus(); }
};

/// Who prepares the cells of --machine kernel, and of --machine kernel-vm inside of the virtual machine: the lab does
/// not know the kernel (harness/kernel). Called by prepare_cell(), which has resolved the rest; throws InputError as it
/// does.
using PrepareKernelCell = std::shared_ptr<const ReferenceCell> (*)(const PreparedCell&);
/// Before any cell is prepared, and before threads start.
void set_kernel_machine(PrepareKernelCell prepare);

/// Why no kernel can have a variant, whatever the options; empty: the module may. docs/kernel.md.
std::string_view why_not_in_kernel(const VariantEntry& variant);

/// Throws InputError where the kernel's machine has no such variant or option, whichever kernel it is: what
/// `--machine kernel-vm` asks before it boots one. For the rest the module decides.
void check_kernel_cell(const CellRequest& request);

/// Decides what was not asked for (guest, read delay, zappers, working set), loads the workload once, and refuses what
/// cannot run. Nothing is measured, and no thread started; registers the process for what the variant needs, so it is
/// best called before threads start. Throws InputError, one line.
PreparedCell prepare_cell(CellRequest request);
/// A cell whose options were all given.
PreparedCell prepare_cell(const CellConfig& config);

/// Decides what follows the workload unless it was given: its working set, and no zappers where it has no work for
/// them.
void follow_workload(CellRequest& request, const Workload& workload);

/// Decides a guest that is to be chosen: the trace if there is one; KVM where it opens, and for a reference, which has
/// no other guest. Returns what a user should know of it, in one line; empty: nothing.
std::string decide_guest(CellRequest& request, const VariantEntry& variant);

/// Throws InputError where the host rules the variant out, or the cell's zappers do, which are decided.
void check_variant(const VariantEntry& variant, const CellConfig& config);

/// The guest of a cell: the workload's guest part at the cell's size, seed and burst.
GuestConfig guest_config(const CellConfig& config, const Workload& workload);

}  // namespace shadowwalk
