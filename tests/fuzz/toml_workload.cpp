// Any text as a workload. A guest can be made of one that is taken, or an InputError says why not.
#include <cmath>

#include "harness/guest/guest.hpp"
#include "tests/fuzz/targets.hpp"
#include "workloads/workload_file.hpp"

namespace shadowwalk::fuzz {
namespace {

void require_ranges(const Workload& workload) {
  for (const std::string* text :
       {&workload.name, &workload.summary, &workload.stresses, &workload.guest_part, &workload.host_part}) {
    require(is_printable(*text));
  }
  require(!workload.name.empty() && workload.name.size() <= 64);
  require(workload.working_set >= 1 && workload.vcpus_per_cpu >= 1 && workload.quota_percent <= 100);
  require(workload.zipf_skew > 0 && workload.zipf_skew <= 4);
  require((workload.active_vcpus == 0) == (workload.idle.count() == 0));
  require((workload.stall.every.count() == 0) == (workload.stall.time.count() == 0));
  require(!workload.phases.empty() && workload.phases.size() <= GuestParams::kMaxPhases);
  for (const PhaseShape& phase : workload.phases) {
    require(!phase.streams.empty() && phase.streams.size() <= AccessPhase::kMaxStreams);
    for (const StreamShape& stream : phase.streams) {
      require(stream.first_percent >= 0 && stream.pages_percent > 0);
      require(stream.first_percent + stream.pages_percent <= 100);
    }
  }
  for (const HostAction& action : workload.host) {
    require(action.weight >= 1 && action.level >= 1 && action.level <= 3);
    require(info(action).takes_pages == (action.pages != 0));
  }
  const double retired = pages_retired_per_beat(workload, workload.working_set);
  require(std::isfinite(retired) && retired >= 0);
}

}  // namespace

void toml_workload(std::string_view bytes) {
  Workload workload;
  if (!accepts([&] { workload = parse_workload(bytes, "mine.toml"); })) return;
  require(workload.text == bytes);
  require_ranges(workload);
  accepts([&] {
    GuestConfig guest;
    guest.params = guest_params(workload, {.working_set = workload.working_set});
    check_guest(guest);
  });
}

}  // namespace shadowwalk::fuzz
