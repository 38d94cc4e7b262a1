#include "harness/attach/live/choose_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/machine/error.hpp"
#include "harness/text/suggestion.hpp"

namespace shadowwalk::live {

LiveRun choose_run(std::string_view verb, const std::vector<LiveRun>& runs, const std::string& wanted) {
  if (runs.empty()) throw InputError(fmt::format("{}: no live run of this user; `shadowwalk ps` lists them", verb));
  std::vector<std::string> ids;
  for (const LiveRun& run : runs) ids.push_back(run.id);
  if (wanted.empty()) {
    if (runs.size() == 1) return runs.front();
    throw InputError(fmt::format("{}: {} live runs; name one of them: {}", verb, runs.size(), fmt::join(ids, ", ")));
  }
  for (const LiveRun& run : runs) {
    if (run.id == wanted || std::to_string(run.process.pid) == wanted || std::to_string(run.cell_pid) == wanted) {
      return run;
    }
  }
  throw InputError(
      fmt::format("{}: no live run '{}'{} there are: {}", verb, wanted, suggestion(wanted, ids), fmt::join(ids, ", ")));
}

}  // namespace shadowwalk::live
