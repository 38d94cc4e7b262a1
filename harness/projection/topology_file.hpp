#pragma once

#include <span>
#include <string>
#include <string_view>

#include "harness/coherence/topology.hpp"

namespace shadowwalk::projection {

/// One figure of a topology: its key in files and results, and its member of Topology.
struct TopologyFigure {
  const char* key;
  coherence::Picoseconds& (*in)(coherence::Topology&);
};
std::span<const TopologyFigure> transfer_figures();  ///< by tier
std::span<const TopologyFigure> cost_figures();      ///< all other times

/// A topology's file as it was when the library was built.
struct ShippedTopology {
  const char* name;
  const char* text;
};
std::span<const ShippedTopology> shipped_topologies();

/// Reads a topology in full: every key must be there (docs/project.md). Throws InputError, `file:line:column: what is
/// wrong; what to do`. Pure, thread-safe.
coherence::Topology parse_topology(std::string_view text, const std::string& file);

/// The reverse: a text that parse_topology() reads into the same figures.
std::string to_toml(const coherence::Topology& topology);

/// The shipped topology of that name, or the one in a file: `./mine.toml`. Throws InputError: unknown name, or what is
/// wrong with the file.
coherence::Topology load_topology(const std::string& name_or_file);

}  // namespace shadowwalk::projection
