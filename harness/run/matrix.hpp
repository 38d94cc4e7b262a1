#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/lab/cell_request.hpp"
#include "harness/run/vcpu_scale.hpp"

/// A matrix as its TOML file gives it:
///
///     title = "what this run is for"        # optional
///     seed = 42                             # optional: the seed of the order of execution
///     repetitions = 5                       # optional, default 5
///
///     [defaults]                            # optional: options of every group, one value each
///     duration = "250ms"
///
///     [[group]]                             # one or more: the cross product of its axes
///     name = "read-side"
///     variant = ["leak", "hazard"]          # keys are the options of `shadowwalk cell`, a value or a list of values
///     workload = "mmio-poll"                # a file, ./mine.toml or trace:FILE, is looked for in the matrix's folder
///     vcpus = [1, 2]                        # or what the host decides: "scale"
///
/// Tables that share a name make one group: the union of their cross products, each cell once. The same cell in two
/// groups is measured for each of them, so that a group can be read (and filtered) by itself.
namespace shadowwalk::run {

/// One option and the values it takes: a config per value, in which only this option counts.
struct Axis {
  const CellOption* option = nullptr;
  std::vector<CellConfig> values = {};
  std::vector<VcpuScale> scales = {};   ///< vcpus only: beside `values`, what the host decides when the plan is made
  std::set<std::string> by_group = {};  ///< variant only: those of `values` that only a group of variants names

  /// How many values it has at most.
  std::size_t size() const;
};

/// One [[group]] table: its cross product, with the defaults merged in as axes of one value.
struct Group {
  std::string name;
  std::vector<Axis> axes;  ///< in the order of the option table; holds variant and workload
};

/// Repetitions of every cell unless the matrix or the command line says otherwise.
inline constexpr int kDefaultRepetitions = 5;
inline constexpr int kMaxRepetitions = 1000;
/// Cells times repetitions. More is a typing error: at one second each it would take more than a day.
inline constexpr std::uint64_t kMaxMeasurements = 100'000;

struct Matrix {
  std::string file;  ///< as named by the user
  std::string text;  ///< as read
  std::string title;
  std::optional<std::uint64_t> seed;
  int repetitions = kDefaultRepetitions;
  std::vector<Group> groups;
};

/// Reads and checks a matrix in full. Throws InputError, `file:line:column: what is wrong; what to do`.
Matrix parse_matrix(std::string_view text, const std::string& file, const KnownNames& known);

/// The same for a file. Throws InputError also when it cannot be read.
Matrix read_matrix(const std::filesystem::path& file, const KnownNames& known);

/// Gives all cells of a matrix this value of an option, in place of those that it varies.
void set_for_all(Matrix& matrix, const CellOption& option, const CellConfig& value);

}  // namespace shadowwalk::run
