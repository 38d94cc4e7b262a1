#include "harness/verify/json.hpp"

#include <nlohmann/json.hpp>

#include "harness/verify/saved_schedule.hpp"

namespace shadowwalk::verify {

using nlohmann::ordered_json;

ordered_json to_json(const Report& report) {
  ordered_json object = {{"executions", report.executions},
                         {"redundant", report.redundant},
                         {"longest_steps", report.longest},
                         {"exhausted", report.exhausted},
                         {"seconds", report.seconds}};
  if (report.covered_preemptions) object["covered_preemptions"] = *report.covered_preemptions;
  if (report.failure) object["goes_wrong"] = report.failure->what;
  return object;
}

ordered_json to_json(const Trial& trial) {
  ordered_json object = {{"verdict", in_words(trial.verdict)}};
  if (trial.site) object["site"] = to_json(*trial.site);
  if (trial.mutant != nullptr) {
    object["mutant"] = trial.mutant->name;
    object["bug"] = trial.mutant->bug;
    object["file"] = trial.mutant->where;
    if (!trial.mutant->commit.empty()) object["linux_commit"] = trial.mutant->commit;
    object["setting"] = to_json(trial.config);
  }
  if (trial.run) object["run"] = to_json(*trial.run);
  return object;
}

ordered_json to_json(const Story& story, const Failure& failure) {
  ordered_json lines = ordered_json::array();
  for (const Story::Line& line : story.lines) {
    ordered_json buffers = ordered_json::object();
    for (std::size_t i = 0; i < line.buffers.size(); ++i) {
      if (!line.buffers[i].empty()) buffers[story.cpus[i]] = line.buffers[i];
    }
    lines.push_back({{"cpu", story.cpus[line.cpu]}, {"does", line.text}, {"store_buffers", buffers}});
  }
  return {{"goes_wrong", story.what},
          {"preemptions", failure.preemptions},
          {"fewest_preemptions", failure.fewest_preemptions},
          {"switches", failure.switches},
          {"story", lines},
          {"steps", story.steps}};
}

}  // namespace shadowwalk::verify
