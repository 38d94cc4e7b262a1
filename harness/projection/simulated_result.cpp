#include <fmt/format.h>

#include <algorithm>

#include "harness/lab/cell_result.hpp"
#include "harness/machine/error.hpp"
#include "harness/projection/host_comparison.hpp"
#include "harness/projection/projection.hpp"
#include "harness/projection/topology_file.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::projection {
namespace {

using nlohmann::json;

json in_ns(coherence::Topology topology) {
  json ns;
  for (const TopologyFigure& figure : cost_figures()) ns[figure.key] = coherence::to_ns(figure.in(topology));
  for (const TopologyFigure& figure : transfer_figures()) {
    ns["transfer"][figure.key] = coherence::to_ns(figure.in(topology));
  }
  return ns;
}

}  // namespace

void check_projection(const CellConfig& config, const coherence::Topology& topology) {
  const Workload workload = load_workload(config.workload);
  if (workload.vcpus_per_cpu > 1) {
    throw InputError(fmt::format(
        "workload '{}': its vCPUs share CPUs, which the simulated machine's cannot; run it with shadowwalk cell",
        workload.name));
  }
  if (workload.stall.time.count() != 0) {
    throw InputError(fmt::format("workload '{}': stalls inside walks are not simulated; run it with shadowwalk cell",
                                 workload.name));
  }
  if (workload.host.empty() && config.zappers != 0) {
    throw InputError(fmt::format("workload '{}' has nothing for zappers to do: give --zappers 0", workload.name));
  }
  if (config.zappers > 1 &&
      std::ranges::any_of(workload.host, [](const HostAction& action) { return info(action).in_order; })) {
    throw InputError(fmt::format("workload '{}': only one zapper is simulated; give --zappers 1", workload.name));
  }
  for (const HostAction& action : workload.host) {
    if (info(action).not_simulated.empty()) continue;
    throw InputError(fmt::format("workload '{}': {} is not simulated: {}; run it with shadowwalk cell", workload.name,
                                 info(action).name, info(action).not_simulated));
  }
  const unsigned needed = config.vcpus + config.zappers;
  if (needed > topology.cpus()) {
    throw InputError(
        fmt::format("{} vCPUs and {} zappers need a CPU each; topology '{}' has {}: ask for fewer, or for a "
                    "larger topology",
                    config.vcpus, config.zappers, topology.name, topology.cpus()));
  }
}

CellResult make_simulated_result(const CellConfig& config, const coherence::Topology& topology,
                                 const Projected& projected) {
  CellResult result = make_result({.config = config,
                                   .cell = projected.cell,
                                   .kind = CellKind::simulated,
                                   .why_hidden = "simulated: nothing of it ran on a host",
                                   .line_transfers = projected.line_transfers});
  json& details = result.details;
  details["cell"]["guest"] = "simulated";
  details["cell"]["placement"] = topology.name;
  details["simulated"] = {{"topology", topology.name},
                          {"summary", topology.summary},
                          {"source", topology.source},
                          {"model", kModelVersion},
                          {"ns", in_ns(topology)}};
  return result;
}

void record_comparison(CellResult& result, const HostComparison* comparison) {
  constexpr const char* kName = "held_against_host";
  if (comparison == nullptr) {
    result.details["unavailable"][kName] = "--rounds 0: the model was not compared with this host";
    return;
  }
  json& rows = result.details["simulated"][kName] = json::array();
  for (const HostComparison::Row& row : comparison->rows) {
    rows.push_back({{"vcpus", row.vcpus},
                    {"simulated_ratio", row.simulated_ratio},
                    {"measured_ratio", row.measured_ratio},
                    {"measured_least", row.measured_least},
                    {"measured_greatest", row.measured_greatest},
                    {"error_percent", row.error_percent()}});
  }
  if (!comparison->missing.empty()) result.details["unavailable"][kName] = comparison->missing;
}

}  // namespace shadowwalk::projection
