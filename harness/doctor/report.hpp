#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/doctor/finding.hpp"
#include "harness/doctor/host.hpp"
#include "harness/doctor/topology.hpp"

namespace shadowwalk::doctor {

struct Section {
  std::string id;     ///< stable: "machine", "cpus", ...
  std::string title;  ///< for people
  std::vector<Finding> findings;
};

struct Report {
  std::vector<Ability> abilities;
  std::vector<Section> sections;
  host::HostFacts host;
  std::optional<Topology> topology;  ///< only if requested

  /// The finding about a subject, which must have been examined.
  const Finding& finding(std::string_view subject) const;
};

/// What the lab can and cannot measure on the host, concluded from the report's findings.
std::vector<Ability> abilities(const Report& report, const Host& host);

/// Examines everything but the topology.
Report examine(const Host& host);

/// In the format that docs/doctor.schema.json describes.
nlohmann::ordered_json to_json(const Report& report, const std::string& version);

/// For a terminal of 100 columns; only commands, which are never wrapped, and wide matrices exceed it.
std::string to_text(const Report& report);

}  // namespace shadowwalk::doctor
