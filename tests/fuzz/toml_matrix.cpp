// Any text as a matrix. The plan of one that is taken survives the way through run.json.
#include <nlohmann/json.hpp>
#include <string>

#include "harness/run/matrix.hpp"
#include "harness/run/plan.hpp"
#include "tests/fuzz/targets.hpp"

namespace shadowwalk::fuzz {
namespace {

const KnownNames& known() {
  static const KnownNames names{
      .variants = {"irq-ipi", "irq-ipi-2012", "rcu-counter", "hazard", "leak"},
      .workloads = {"mmio-poll", "dirty-log", "mix"},
      .check_workload_file = [](std::string_view) { return std::nullopt; }};  // other files are other targets'
  return names;
}

/// 0: too many to make a plan of them for each input.
std::uint64_t measurements(const run::Matrix& matrix) {
  constexpr std::uint64_t kMost = 500;
  std::uint64_t cells = 0;
  for (const run::Group& group : matrix.groups) {
    std::uint64_t size = 1;
    for (const run::Axis& axis : group.axes) {
      require(axis.option != nullptr && !axis.values.empty());
      size *= axis.values.size();
    }
    cells += size;
  }
  const std::uint64_t all = cells * static_cast<std::uint64_t>(matrix.repetitions);
  require(all >= 1 && all <= run::kMaxMeasurements);
  return all <= kMost ? all : 0;
}

}  // namespace

void toml_matrix(std::string_view bytes) {
  run::Matrix matrix;
  if (!accepts([&] { matrix = run::parse_matrix(bytes, "mine.toml", known()); })) return;
  require(matrix.text == bytes && is_printable(matrix.title));
  require(matrix.repetitions >= 1 && matrix.repetitions <= run::kMaxRepetitions);
  if (measurements(matrix) == 0) return;
  require(accepts([&] {
    const run::Plan plan = run::make_plan(matrix, {.repetitions = {}, .seed = matrix.seed.value_or(1), .filter = ""});
    const run::Plan again = run::plan_from_text(run::to_json(plan).dump(), "run.json");
    require(!run::difference(plan, again, plan.seed) && plan.order == again.order);
  }));
}

}  // namespace shadowwalk::fuzz
