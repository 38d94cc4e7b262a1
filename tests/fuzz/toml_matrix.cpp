// Any text as a matrix. The plan of one that is taken survives the way through run.json.
#include <algorithm>
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
      .variant_groups = {{"all", {"leak", "hazard", "irq-ipi"}}, {"pointers", {"hazard"}}},
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
      require(axis.option != nullptr && axis.size() != 0);
      size *= axis.size();
    }
    cells += size;
  }
  const std::uint64_t all = cells * static_cast<std::uint64_t>(matrix.repetitions);
  require(all >= 1 && all <= run::kMaxMeasurements);
  return all <= kMost ? all : 0;
}

/// A host of 2 x 64 cores, whatever this one is.
run::PlanHost host() {
  return {.room_beside = [](const std::string&, unsigned reserved) {
    const unsigned left = 64 - std::min(reserved, 56u);
    return VcpuRoom{.llc = 8, .package = left, .all = 64 + left};
  }};
}

/// Of large numbers of vCPUs no cell may be left on the host.
bool is_scaled(const run::Matrix& matrix) {
  return std::ranges::any_of(matrix.groups, [](const run::Group& group) {
    return std::ranges::any_of(group.axes, [](const run::Axis& axis) { return !axis.scales.empty(); });
  });
}

}  // namespace

void toml_matrix(std::string_view bytes) {
  run::Matrix matrix;
  if (!accepts([&] { matrix = run::parse_matrix(bytes, "mine.toml", known()); })) return;
  require(matrix.text == bytes && is_printable(matrix.title));
  require(matrix.repetitions >= 1 && matrix.repetitions <= run::kMaxRepetitions);
  if (measurements(matrix) == 0) return;
  const bool is_made = accepts([&] {
    const run::Plan plan =
        run::make_plan(matrix, {.repetitions = {}, .seed = matrix.seed.value_or(1), .filter = ""}, host());
    const run::Plan again = run::plan_from_text(run::to_json(plan).dump(), "run.json");
    require(!run::difference(plan, again, plan.seed) && plan.order == again.order && plan.scale == again.scale);
  });
  require(is_made || is_scaled(matrix));
}

}  // namespace shadowwalk::fuzz
