#include "harness/kernel/kernel_cell.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>

#include "harness/kernel/cell_abi.hpp"
#include "harness/kernel/device.hpp"
#include "harness/kernel/virtual_machine.hpp"
#include "harness/kernel/vm_agent.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/lab/host_watch.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/workload_events.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::kernel {
namespace {

using nlohmann::json;

constexpr const char* kNoReclaimers =
    "--events counts none: RCU's callbacks run in softirqs, and are in the counts of the threads that they interrupt; "
    "SRCU's run in threads of the kernel's own";

/// What a cell left behind in the kernel; nothing: it is as it should be.
std::string what_is_left(const shadowwalk_result& result) {
  if (result.bytes_leaked != 0)
    return fmt::format("{} bytes of the kernel's memory were not given back", result.bytes_leaked);
  if (result.pages_left != 0) return fmt::format("{} shadow pages were not freed by the drain", result.pages_left);
  return {};
}

json describe(const shadowwalk_about& about, const shadowwalk_result& result, const std::string& accelerator) {
  json object = {{"release", text_of(about.release)},
                 {"module", text_of(about.version)},
                 {"compiler", text_of(about.compiler)},
                 {"hz", about.hz},
                 {"clock", (about.kernel & SHADOWWALK_KERNEL_USES_TSC) != 0 ? "tsc" : "ktime"},
                 {"preemption", (about.kernel & SHADOWWALK_KERNEL_PREEMPTION) != 0},
                 {"preempt_rcu", (about.kernel & SHADOWWALK_KERNEL_PREEMPT_RCU) != 0},
                 {"retpoline", (about.kernel & SHADOWWALK_KERNEL_RETPOLINE) != 0},
                 {"rethunk", (about.kernel & SHADOWWALK_KERNEL_RETHUNK) != 0},
                 {"ibt", (about.kernel & SHADOWWALK_KERNEL_IBT) != 0},
                 {"pool_pages", result.pool_pages},
                 {"bytes_held", result.bytes_held}};
  if (!accelerator.empty()) object["virtual_machine"] = accelerator;
  return object;
}

class KernelCell final : public ReferenceCell {
 public:
  explicit KernelCell(std::unique_ptr<shadowwalk_request> request) : request_(std::move(request)) {}

  CellResult measure(const PreparedCell& cell) const override {
    const CellConfig& config = cell.config;
    if (config.on_ready) config.on_ready();
    HostWatch host(
        [] { return KvmStatistics{.values = {}, .unavailable = "vCPUs are kernel threads, and no guests"}; });
    host.start();
    const auto result = device_.run(*request_);
    CellMeasurement measured = to_measurement(cell, *request_, *result);
    measured.host = host.finish(measured.noise);
    if (std::string left = what_is_left(*result); !left.empty()) throw CellError(left);
    check_required_events(cell.workload, workload_events(measured), config.zappers != 0);
    const std::string_view untimed = why_untimed();
    if (!untimed.empty()) measured.noise = {};
    CellResult of = make_result({.config = config, .cell = measured, .kind = CellKind::measured, .untimed = untimed});
    if (!config.events.empty() && result->grace_periods.seen != 0) {
      of.details["unavailable"]["reclaimers"] = kNoReclaimers;
    }
    of.details["kernel"] = describe(device_.about(), *result, accelerator_around());
    return of;
  }

 private:
  const Device device_;
  const std::unique_ptr<const shadowwalk_request> request_;
};

std::shared_ptr<const ReferenceCell> prepare(const PreparedCell& cell) {
  if (cell.config.machine == MachineKind::kernel_vm && accelerator_around().empty()) {
    throw InputError("--machine kernel-vm: such a cell is prepared in its virtual machine");
  }
  return std::make_shared<KernelCell>(to_request(cell));
}

}  // namespace

void add_kernel_machine() { set_kernel_machine(prepare); }

std::string accelerator_around() {
  const char* const accelerator = std::getenv(kAcceleratorVariable);
  return accelerator == nullptr ? std::string() : std::string(accelerator);
}

std::string_view why_untimed() {
  if (accelerator_around() != name_of(Accelerator::tcg)) return {};
  return "the kernel ran under emulation (QEMU's TCG): its counts and checks hold, its times mean nothing";
}

}  // namespace shadowwalk::kernel
