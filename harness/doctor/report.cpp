#include "harness/doctor/report.hpp"

#include <nlohmann/json.hpp>

#include "harness/doctor/ability.hpp"
#include "harness/doctor/subjects.hpp"

namespace shadowwalk::doctor {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const Mend& mend) {
  if (mend.empty()) return nullptr;
  if (!mend.command.empty()) return {{"command", mend.command}};
  return {{"advice", mend.advice}};
}

ordered_json json_of(const MeasuredPair& pair) {
  ordered_json json = {{"cpus", {pair.a, pair.b}}, {"tier", name_of(pair.tier)}};
  if (!pair.transfer) {
    json["unavailable"] = pair.unavailable;
    return json;
  }
  json["median_ns"] = pair.transfer->median_ns;
  json["q1_ns"] = pair.transfer->q1_ns;
  json["q3_ns"] = pair.transfer->q3_ns;
  json["batches"] = pair.transfer->batches;
  return json;
}

ordered_json json_of(const Topology& topology) {
  ordered_json cpus = ordered_json::array(), pairs = ordered_json::array(), tiers = ordered_json::array();
  for (const HardwareThread& t : topology.cpus) {
    cpus.push_back(
        {{"cpu", t.cpu}, {"core", t.core}, {"llc", t.llc}, {"package", t.package}, {"numa_node", t.numa_node}});
  }
  for (const MeasuredPair& pair : topology.pairs) pairs.push_back(json_of(pair));
  for (const TierSummary& summary : summarize_tiers(topology)) {
    tiers.push_back({{"tier", name_of(summary.tier)},
                     {"pairs", summary.pairs},
                     {"least_ns", summary.least_ns},
                     {"median_ns", summary.median_ns},
                     {"greatest_ns", summary.greatest_ns}});
  }
  return {{"cpus", cpus}, {"pairs", pairs}, {"tiers", tiers}};
}

}  // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::ok:
      return "ok";
    case State::note:
      return "note";
    case State::lack:
      return "lack";
  }
  return "";
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::yes:
      return "yes";
    case Verdict::partly:
      return "partly";
    case Verdict::no:
      return "no";
  }
  return "";
}

Report examine(const Host& host) {
  Report report;
  report.sections = {{"machine", "Machine", examine_machine(host)}, {"cpus", "CPUs", examine_cpus(host)},
                     {"memory", "Memory", examine_memory(host)},    {"counting", "Counting", examine_counting(host)},
                     {"tracing", "Tracing", examine_tracing(host)}, {"kvm", "KVM", examine_kvm(host)}};
  std::vector<Finding> all;
  for (const Section& section : report.sections) {
    all.insert(all.end(), section.findings.begin(), section.findings.end());
  }
  report.abilities = abilities(all, host);
  return report;
}

ordered_json to_json(const Report& report, const std::string& version) {
  ordered_json json = {{"format", "shadowwalk-doctor-1"}, {"shadowwalk_version", version}};
  json["abilities"] = ordered_json::array();
  for (const Ability& ability : report.abilities) {
    json["abilities"].push_back({{"name", ability.name},
                                 {"verdict", name_of(ability.verdict)},
                                 {"how", ability.how},
                                 {"mend", json_of(ability.mend)}});
  }
  json["findings"] = ordered_json::array();
  for (const Section& section : report.sections) {
    for (const Finding& finding : section.findings) {
      json["findings"].push_back({{"section", section.id},
                                  {"subject", finding.subject},
                                  {"state", name_of(finding.state)},
                                  {"value", finding.value},
                                  {"meaning", finding.meaning},
                                  {"mend", json_of(finding.mend)}});
    }
  }
  if (report.topology) json["topology"] = json_of(*report.topology);
  return json;
}

}  // namespace shadowwalk::doctor
