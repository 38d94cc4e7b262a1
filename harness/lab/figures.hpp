#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/lab/cell.hpp"

/// The table of figures: one row per counter or distribution of a result. The result's JSON, `cell`'s summary, the
/// events that a workload requires, docs/result-format.md and the Python package
/// (reports/shadowwalk_report/figures.json) all come from it. A new figure is a row, and the code that counts.
namespace shadowwalk {

enum class Unit { count, ns, s, bytes, per_second, flag };
enum class Better { neither, lower, higher };

/// Where a cell's work was done.
enum class CellKind { measured, host_kvm, simulated };

/// A set of CellKinds.
using CellKinds = unsigned;
constexpr CellKinds only(CellKind kind) { return 1U << static_cast<unsigned>(kind); }
constexpr bool has(CellKinds kinds, CellKind kind) { return (kinds & only(kind)) != 0; }

/// What the guest's own clock measured in a cell of kind host_kvm.
struct Touches {
  struct Kind {
    Histogram ns;
    std::string why_empty;
  };
  std::uint64_t count = 0;  ///< in the window
  double seconds = 0;       ///< the window as the guest saw it
  std::uint64_t lost_slot = 0;
  std::optional<std::uint64_t> dirty_pages;  ///< found by the rounds of the window; none: the cell logs no dirty pages
  Kind all, hit, first, unclear, device, clock_read;
};

/// All that the figures of one cell are read from.
struct Measured {
  const CellConfig& config;
  const CellMeasurement& cell;
  CellKind kind = CellKind::measured;
  std::string_view why_hidden{};                  ///< why figures of measured cells cannot be measured; of other kinds
  const Touches* touches = nullptr;               ///< host_kvm only
  std::optional<std::uint64_t> line_transfers{};  ///< simulated only: of walks in the window
  std::string_view untimed{};  ///< why the cell's times and rates mean nothing, as under emulation; empty: they do
};

/// The cell should have the figure, but could not measure it.
struct Absent {
  std::string why;
};
/// The figure has no meaning for the cell: its result does not mention it.
struct NotApplicable {};
/// A distribution's histogram is never empty: without a sample, it is Absent.
using Reading = std::variant<double, const Histogram*, Absent, NotApplicable>;

/// A quantile of a distribution: the counter `<name><suffix>`.
struct Quantile {
  std::string_view suffix;
  double fraction = 0;  ///< 1: the greatest value, exactly
};

inline constexpr std::array kQuantiles = {Quantile{"_p50", 0.5}, Quantile{"_p99", 0.99}, Quantile{"_p999", 0.999},
                                          Quantile{"_max", 1}, Quantile{"", 0.5}};

/// One row. Names are a contract with every reader of a result; all texts are plain, without Markdown.
struct Figure {
  std::string_view name;  ///< of the counter; of a distribution, its histogram's
  Unit unit;
  std::string_view title;  ///< of a column; a distribution's is followed by the quantile
  Instrumentation level;   ///< the least `--instrumentation` at which it is taken
  Better better;
  CellKinds cells;  ///< where it can be measured; where it cannot, a figure of measured cells is absent with a reason
  unsigned quantiles;   ///< bits of kQuantiles; 0: a counter
  bool grows_with_run;  ///< in a saturated cell it grows with the length of the run, and says nothing about the scheme
  Reading (*read)(const Measured&);
  std::string_view meaning;  ///< one sentence
  bool has_clock_read =
      false;  ///< each sample contains one clock read: where that is over half, it is no figure of the scheme

  bool is_distribution() const { return quantiles != 0; }
};

/// A line of the summary.
struct FigureTopic {
  std::string_view name;
  std::span<const Figure> figures;
};

inline constexpr std::string_view kNoGracePeriods = "the variant waits for no grace period of RCU";

/// Counts of an event that `--events` names: one counter `<event><suffix>` per event.
struct EventFigure {
  std::string_view role;  ///< whose count it is (event_counts.hpp)
  std::string_view suffix;
  std::string_view title;
  std::uint64_t CellMeasurement::*units;  ///< what the count is divided by
  std::string_view none;                  ///< why it is absent when that is 0
  std::string_view meaning;
};

/// In the order of the summary. The counters in `_total` of kWorkloadTopic are the events that a workload can require.
std::span<const FigureTopic> figure_topics();
inline constexpr std::string_view kWorkloadTopic = "workload";
inline constexpr std::string_view kSaturated = "saturated";
std::span<const EventFigure> event_figures();

/// The quantiles that a distribution yields; empty for a counter.
std::vector<Quantile> quantiles_of(const Figure& figure);
/// The names of the counters that a row yields, in order.
std::vector<std::string> counters_of(const Figure& figure);
/// The quantile's value. `histogram` is not empty.
double value_of(const Quantile& quantile, const Histogram& histogram);

constexpr std::string_view unit_name(Unit unit) {
  constexpr std::string_view names[] = {"count", "ns", "s", "bytes", "per_second", "flag"};
  static_assert(std::size(names) == static_cast<std::size_t>(Unit::flag) + 1);
  return names[static_cast<std::size_t>(unit)];
}

/// The table as JSON, as reports/shadowwalk_report/figures.json holds it.
std::string figures_as_json();
/// The rows that can be measured in a cell of `kind` (of those of measured cells only, for that kind) as a Markdown
/// table, as docs/result-format.md holds it.
std::string figures_as_markdown(CellKind kind);

}  // namespace shadowwalk
