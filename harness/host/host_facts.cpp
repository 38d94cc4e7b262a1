#include "harness/host/host_facts.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "harness/host/processor.hpp"
#include "harness/machine/placement.hpp"

namespace shadowwalk::host {

using nlohmann::ordered_json;

HostFacts observe_host() {
  const os::HostFiles files;
  const Placement placement = Placement::parse("auto");
  return {.floors = measure_floors(placement),
          .kernel = kernel_facts(files, ask_kernel()),
          .cpu = cpu_model(files),
          .cpus = placement.cpus(),
          .is_virtual_machine = is_virtual_machine(files, hypervisor_signature())};
}

ordered_json to_json(const HostFacts& facts) {
  ordered_json floors = ordered_json::object();
  const auto add_floor = [&](const char* name, std::optional<double> ns) {
    if (ns) floors[name] = *ns;
  };
  add_floor("xchg_ns", facts.floors.xchg_ns);
  add_floor("mfence_ns", facts.floors.mfence_ns);
  add_floor("line_transfer_ns", facts.floors.line_transfer_ns);
  add_floor("signal_ipi_ns", facts.floors.signal_ipi_ns);
  add_floor("membarrier_global_ns_p50", facts.floors.membarrier_global_ns_p50);
  add_floor("membarrier_global_ns_p99", facts.floors.membarrier_global_ns_p99);

  ordered_json kernel = {{"release", facts.kernel.release}};
  if (facts.kernel.hz) kernel["hz"] = *facts.kernel.hz;
  if (!facts.kernel.preemption.empty()) kernel["preemption"] = facts.kernel.preemption;
  if (facts.kernel.rcu_expedited) kernel["rcu_expedited"] = *facts.kernel.rcu_expedited;
  if (facts.kernel.rcu_normal) kernel["rcu_normal"] = *facts.kernel.rcu_normal;

  ordered_json json = {{"floors", std::move(floors)}, {"kernel", std::move(kernel)}};
  Unavailable unavailable = facts.floors.unavailable;
  unavailable.insert(facts.kernel.unavailable.begin(), facts.kernel.unavailable.end());
  if (facts.cpu.empty()) {
    unavailable["cpu"] = "/proc/cpuinfo names no model";
  } else {
    json["cpu"] = facts.cpu;
  }
  json["cpus"] = facts.cpus;
  json["virtual_machine"] = facts.is_virtual_machine;
  if (!unavailable.empty()) json["unavailable"] = unavailable;
  return json;
}

}  // namespace shadowwalk::host
