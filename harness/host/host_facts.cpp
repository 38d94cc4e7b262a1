#include "harness/host/host_facts.hpp"

#include <exception>
#include <nlohmann/json.hpp>

#include "harness/host/processor.hpp"
#include "harness/machine/placement.hpp"
#include "harness/os/allowed_cpus.hpp"

namespace shadowwalk::host {

using nlohmann::ordered_json;

namespace {

Floors floors_or_why_not() {
  try {
    return measure_floors(Placement::parse("auto"));
  } catch (const std::exception& error) {  // of hwloc
    return no_floors(error.what());
  }
}

}  // namespace

HostFacts observe_host(const std::string& why_no_floors) {
  const os::HostFiles files;
  return {.floors = why_no_floors.empty() ? floors_or_why_not() : no_floors(why_no_floors),
          .kernel = kernel_facts(files, ask_kernel()),
          .cpu = cpu_model(files),
          .cpus = os::allowed_cpus().size(),
          .is_virtual_machine = is_virtual_machine(files, hypervisor_signature())};
}

ordered_json to_json(const HostFacts& facts) {
  ordered_json floors = ordered_json::object();
  for (const auto& [name, floor] : kFloorNames) {
    if (const auto ns = facts.floors.*floor) floors[name] = *ns;
  }

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
