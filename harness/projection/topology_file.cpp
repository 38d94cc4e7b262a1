#include "harness/projection/topology_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <vector>

#include "harness/machine/error.hpp"
#include "harness/text/suggestion.hpp"
#include "harness/text/text_file.hpp"
#include "harness/text/toml_reader.hpp"

namespace shadowwalk::projection {
namespace {

using coherence::Picoseconds;
using coherence::Topology;

constexpr double kLongestNs = 1e6;

constexpr TopologyFigure kTransfers[] = {
    {"core", [](Topology& t) -> Picoseconds& { return t.transfer[0]; }},
    {"llc", [](Topology& t) -> Picoseconds& { return t.transfer[1]; }},
    {"socket", [](Topology& t) -> Picoseconds& { return t.transfer[2]; }},
    {"system", [](Topology& t) -> Picoseconds& { return t.transfer[3]; }},
};
constexpr TopologyFigure kCosts[] = {
    {"memory", [](Topology& t) -> Picoseconds& { return t.memory; }},
    {"line_hold", [](Topology& t) -> Picoseconds& { return t.line_hold; }},
    {"line_service", [](Topology& t) -> Picoseconds& { return t.line_service; }},
    {"load", [](Topology& t) -> Picoseconds& { return t.costs.load; }},
    {"load_latency", [](Topology& t) -> Picoseconds& { return t.costs.load_latency; }},
    {"store", [](Topology& t) -> Picoseconds& { return t.costs.store; }},
    {"locked", [](Topology& t) -> Picoseconds& { return t.costs.locked; }},
    {"mfence", [](Topology& t) -> Picoseconds& { return t.costs.mfence; }},
    {"ipi_send", [](Topology& t) -> Picoseconds& { return t.interrupt.send; }},
    {"ipi_deliver", [](Topology& t) -> Picoseconds& { return t.interrupt.deliver; }},
    {"ipi_handle", [](Topology& t) -> Picoseconds& { return t.interrupt.handle; }},
    {"guest_exit", [](Topology& t) -> Picoseconds& { return t.guest.exit; }},
    {"guest_access", [](Topology& t) -> Picoseconds& { return t.guest.access; }},
};

/// What else a file has, in the same way.
template <class T>
struct Row {
  const char* key;
  T& (*in)(Topology&);
};
using Count = Row<unsigned>;
using Flag = Row<bool>;
using Text = Row<std::string>;
constexpr Count kCounts[] = {
    {"sockets", [](Topology& t) -> unsigned& { return t.sockets; }},
    {"llcs_per_socket", [](Topology& t) -> unsigned& { return t.llcs_per_socket; }},
    {"cores_per_llc", [](Topology& t) -> unsigned& { return t.cores_per_llc; }},
    {"threads_per_core", [](Topology& t) -> unsigned& { return t.threads_per_core; }},
};
constexpr Flag kFlags[] = {
    {"locked_waits_for_loads", [](Topology& t) -> bool& { return t.costs.locked_waits_for_loads; }},
};
constexpr Text kTexts[] = {
    {"name", [](Topology& t) -> std::string& { return t.name; }},
    {"summary", [](Topology& t) -> std::string& { return t.summary; }},
    {"source", [](Topology& t) -> std::string& { return t.source; }},
};

/// Takes each of `wanted` from a table, which must hold all of them and nothing else except what `also` names.
template <class Wanted, class Take>
void take_all(const TomlReader& reader, const toml::table& table, std::span<const Wanted> wanted,
              std::span<const std::string> also, Take take) {
  std::vector<std::string> known(also.begin(), also.end());
  for (const Wanted& row : wanted) known.emplace_back(row.key);
  std::set<std::string> seen;
  for (const auto& [key, node] : table) {
    const auto name = std::string(key.str());
    if (std::ranges::find(also, name) != also.end()) continue;
    const auto row = std::ranges::find(wanted, name, [](const Wanted& one) { return std::string(one.key); });
    if (row == wanted.end()) reader.unknown("key", key, known);
    take(*row, key, node);
    seen.insert(name);
  }
  for (const Wanted& row : wanted) {
    if (!seen.contains(row.key)) reader.fail(table.source(), fmt::format("'{}' is missing; give it", row.key));
  }
}

}  // namespace

std::span<const TopologyFigure> transfer_figures() { return kTransfers; }
std::span<const TopologyFigure> cost_figures() { return kCosts; }

Topology parse_topology(std::string_view text, const std::string& file) {
  static const std::vector<std::string> kTables{"cpus", "order", "ns", "transfer_ns"};
  const TomlReader reader(file);
  const toml::table document = reader.parse(text);
  Topology topology;
  take_all<Text>(reader, document, kTexts, kTables, [&](const Text& row, const toml::key& key, const toml::node& node) {
    row.in(topology) = reader.text(key, node);
  });
  std::set<std::string> tables;
  const auto figures = [&](const toml::table& table, std::span<const TopologyFigure> rows) {
    take_all<TopologyFigure>(reader, table, rows, {},
                             [&](const TopologyFigure& row, const toml::key& key, const toml::node& node) {
                               row.in(topology) = coherence::from_ns(reader.number(key, node, 0, kLongestNs));
                               if (row.in(topology) == 0) {
                                 reader.fail(node.source(), fmt::format("'{}' is below 0.001 ns", key.str()));
                               }
                             });
  };
  for (const auto& [key, node] : document) {
    if (std::ranges::find(kTables, std::string(key.str())) == kTables.end()) continue;
    const toml::table& table = reader.table(key, node);
    tables.insert(std::string(key.str()));
    if (key.str() == "ns") figures(table, kCosts);
    if (key.str() == "transfer_ns") figures(table, kTransfers);
    if (key.str() == "order") {
      take_all<Flag>(reader, table, kFlags, {}, [&](const Flag& row, const toml::key& at, const toml::node& value) {
        if (!value.is_boolean()) reader.fail(value.source(), fmt::format("'{}' is true or false", at.str()));
        row.in(topology) = value.as_boolean()->get();
      });
    }
    if (key.str() == "cpus") {
      take_all<Count>(reader, table, kCounts, {}, [&](const Count& row, const toml::key& at, const toml::node& value) {
        row.in(topology) = static_cast<unsigned>(reader.integer(at, value, 1, Topology::kMostCpus));
      });
      std::uint64_t cpus = 1;  // the product of a few counts of at most kMostCpus
      for (const Count& row : kCounts) cpus *= row.in(topology);
      if (cpus > Topology::kMostCpus) {
        reader.fail(table.source(), fmt::format("{} CPUs; at most {} are simulated", cpus, Topology::kMostCpus));
      }
    }
  }
  for (const std::string& name : kTables) {
    if (!tables.contains(name)) reader.fail(document.source(), fmt::format("[{}] is missing; give it", name));
  }
  if (!std::ranges::is_sorted(topology.transfer)) {
    reader.fail(
        document.source(),
        "[transfer_ns]: a farther CPU has a shorter transfer; the order must be core <= llc <= socket <= system");
  }
  return topology;
}

std::string to_toml(const Topology& topology) {
  Topology copy = topology;
  std::string text;
  for (const Text& row : kTexts) {
    std::ostringstream quoted;
    quoted << toml::table{{row.key, row.in(copy)}};
    text += quoted.str() + "\n";
  }
  text += "\n[cpus]\n";
  for (const Count& row : kCounts) text += fmt::format("{} = {}\n", row.key, row.in(copy));
  text += "\n[order]\n";
  for (const Flag& row : kFlags) text += fmt::format("{} = {}\n", row.key, row.in(copy));
  text += "\n[transfer_ns]\n";
  for (const TopologyFigure& row : kTransfers)
    text += fmt::format("{} = {}\n", row.key, coherence::to_ns(row.in(copy)));
  text += "\n[ns]\n";
  for (const TopologyFigure& row : kCosts) text += fmt::format("{} = {}\n", row.key, coherence::to_ns(row.in(copy)));
  return text;
}

Topology load_topology(const std::string& name_or_file) {
  std::vector<std::string> names{"host"};
  for (const ShippedTopology& shipped : shipped_topologies()) {
    if (shipped.name == name_or_file)
      return parse_topology(shipped.text, fmt::format("topologies/{}.toml", shipped.name));
    names.emplace_back(shipped.name);
  }
  if (name_or_file.ends_with(".toml")) return parse_topology(read_text_file(name_or_file, "topology"), name_or_file);
  throw InputError(fmt::format("--topology {}: there is none of that name{} there are {}, and FILE.toml", name_or_file,
                               suggestion(name_or_file, names), fmt::join(names, ", ")));
}

}  // namespace shadowwalk::projection
