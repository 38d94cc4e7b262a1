// Any text as a topology. What is written of one that is taken is read into the same figures.
#include <algorithm>
#include <string>

#include "harness/projection/topology_file.hpp"
#include "tests/fuzz/targets.hpp"

namespace shadowwalk::fuzz {

void toml_topology(std::string_view bytes) {
  using namespace projection;
  coherence::Topology topology;
  if (!accepts([&] { topology = parse_topology(bytes, "mine.toml"); })) return;
  require(topology.cpus() >= 1 && topology.cpus() <= coherence::Topology::kMostCpus);
  require(std::ranges::is_sorted(topology.transfer));
  for (const auto& figures : {transfer_figures(), cost_figures()}) {
    for (const TopologyFigure& figure : figures) require(figure.in(topology) > 0);
  }
  const std::string text = to_toml(topology);
  require(accepts([&] { require(to_toml(parse_topology(text, "again.toml")) == text); }));
}

}  // namespace shadowwalk::fuzz
