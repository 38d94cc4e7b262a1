// Any text as each of the files of a run's directory that `run --resume` reads: its plan, a failure, a result.
#include <nlohmann/json.hpp>
#include <string>

#include "harness/run/run_directory.hpp"
#include "tests/fuzz/targets.hpp"

namespace shadowwalk::fuzz {
namespace {

void read_plan(std::string_view bytes) {
  using namespace run;
  Plan plan;
  if (!accepts([&] { plan = plan_from_text(bytes, "run.json"); })) return;
  require(plan.repetitions >= 1 && plan.repetitions <= kMaxRepetitions);
  require(!plan.order.empty() && plan.order.size() <= kMaxMeasurements);
  for (const Measurement& measurement : plan.order) {
    require(measurement.repetition >= 0 && measurement.repetition < kMaxRepetitions);
    const bool is_added = !plan.rounds.empty() && &measurement >= &plan.order[plan.rounds.front()];
    require(measurement.repetition < plan.repetitions || is_added);
    const PlannedCell& cell = plan.cells.at(static_cast<std::size_t>(measurement.cell));
    require(cell.id == measurement.cell && is_printable(cell.group) && is_printable(cell.name));
    require(cell.request.has("variant") && cell.request.has("workload"));
  }
  require(accepts([&] {
    const Plan again = plan_from_text(to_json(plan).dump(), "again.json");
    require(!difference(plan, again, plan.seed) && plan.order == again.order && plan.rounds == again.rounds);
  }));
}

void read_failure(std::string_view bytes) {
  using namespace run;
  const auto failure = failure_from_text(bytes);
  if (!failure) return;
  require(is_printable(failure->status) && is_printable(failure->reason));
  const std::string text = to_text({}, *failure);
  const auto again = failure_from_text(text);
  require(again && to_text({}, *again) == text);
}

void read_result(std::string_view bytes) {
  const run::StoredResult result = run::read_result(bytes);
  for (const std::string& reason : result.noise_reasons) require(is_printable(reason));
}

}  // namespace

void run_json(std::string_view bytes) {
  read_plan(bytes);
  read_failure(bytes);
  read_result(bytes);
}

}  // namespace shadowwalk::fuzz
