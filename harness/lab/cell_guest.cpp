#include "harness/lab/cell_guest.hpp"

#include "workloads/guest/guest_program.hpp"

namespace shadowwalk {

GuestConfig guest_config(const CellConfig& config, const Workload& workload) {
  GuestConfig guest;
  guest.kind = config.guest;
  guest.vcpus = config.vcpus;
  guest.burst = config.walks_per_exit;
  guest.params = guest_params(workload, {.working_set = config.working_set,
                                         .seed = config.seed,
                                         .locality = config.locality,
                                         .write_percent = config.write_percent});
  if (workload.active_vcpus != 0) {
    guest.active_vcpus = workload.active_vcpus;
    guest.idle_us = static_cast<std::uint64_t>(workload.idle.count());
  }
  guest.program = guest_program();
  return guest;
}

}  // namespace shadowwalk
