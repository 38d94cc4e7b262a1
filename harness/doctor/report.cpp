#include "harness/doctor/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/doctor/finding.hpp"
#include "harness/machine/check.hpp"

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

constexpr std::size_t kWidth = 100;
constexpr std::size_t kMatrixCpus = 32;
constexpr std::size_t kText = 31;  // column of values, meanings and mends: two blanks, a state, a subject

/// Breaks `text` into lines that fit between column kText and the right edge; one line if it is a command.
std::vector<std::string> wrapped(std::string_view text) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
    if (!lines.back().empty() && kText + lines.back().size() + 1 + word.size() > kWidth) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  return lines;
}

class Text {
 public:
  void title(std::string_view text) { out_ += fmt::format("{}{}\n", out_.empty() ? "" : "\n", text); }

  void row(std::string_view state, std::string_view subject, std::string_view value) {
    const std::vector<std::string> lines = wrapped(value);
    out_ += fmt::format("  {:<7}{:<22}{}\n", state, subject, lines.front());
    for (std::size_t i = 1; i < lines.size(); ++i) below(lines[i]);
  }

  void paragraph(std::string_view text) {
    if (text.empty()) return;
    for (const std::string& line : wrapped(text)) below(line);
  }

  /// Prints each remedy in full only where it first applies.
  void mend(const Mend& mend, const std::string& subject) {
    if (mend.empty()) return;
    const auto [first, is_new] = first_with_.try_emplace(mend.text(), subject);
    if (!is_new) {
      if (first->second != subject) below(fmt::format("> as for {}", first->second));
    } else if (!mend.command.empty()) {
      below("$ " + mend.command);
    } else {
      paragraph("> " + mend.advice);
    }
  }

  void line(std::string_view text) { out_ += fmt::format("{}\n", text); }
  std::string take() { return std::move(out_); }

 private:
  void below(std::string_view text) { out_ += fmt::format("{:<{}}{}\n", "", kText, text); }

  std::string out_;
  std::map<std::string, std::string> first_with_;
};

std::string matrix_row(const Topology& topology, std::size_t row) {
  std::string line = fmt::format("  {:>5}", topology.cpus[row].cpu);
  const std::size_t first = row * (row - 1) / 2;  // pairs are in the order of rows
  for (std::size_t column = 0; column < row; ++column) {
    const MeasuredPair& pair = topology.pairs[first + column];
    line += pair.transfer ? fmt::format("{:>7.1f}", pair.transfer->median_ns) : fmt::format("{:>7}", "?");
  }
  return line;
}

void add_matrix(Text& text, const Topology& topology) {
  std::string header = fmt::format("  {:>5}", "CPU");
  for (std::size_t i = 0; i + 1 < topology.cpus.size(); ++i) header += fmt::format("{:>7}", topology.cpus[i].cpu);
  text.line(header);
  for (std::size_t row = 1; row < topology.cpus.size(); ++row) text.line(matrix_row(topology, row));
}

void add_topology(Text& text, const Topology& topology) {
  text.title("Cache-line transfer between CPUs, one way, median ns (--json has quartiles)");
  if (topology.pairs.empty()) {
    text.line("  one CPU: there is no pair to measure");
    return;
  }
  if (topology.cpus.size() <= kMatrixCpus) {
    add_matrix(text, topology);
  } else {
    text.line(fmt::format("  {} CPUs: the matrix is too wide to read; see --json, or show a part by --cpus LIST",
                          topology.cpus.size()));
  }
  text.line("");
  for (const TierSummary& tier : summarize_tiers(topology)) {
    text.line(fmt::format("  {:<13} {:>5} pair{} median {:>7.1f}   {:.1f} to {:.1f}", name_of(tier.tier), tier.pairs,
                          tier.pairs == 1 ? " " : "s", tier.median_ns, tier.least_ns, tier.greatest_ns));
  }
  std::map<std::string, std::size_t> reasons;
  for (const MeasuredPair& pair : topology.pairs) {
    if (!pair.transfer) ++reasons[pair.unavailable];
  }
  for (const auto& [reason, count] : reasons)
    text.line(fmt::format("  ? {} pair{}: {}", count, count == 1 ? "" : "s", reason));
}

}  // namespace

const Finding& Report::finding(std::string_view subject) const {
  for (const Section& section : sections) {
    const auto found = std::ranges::find(section.findings, subject, &Finding::subject);
    if (found != section.findings.end()) return *found;
  }
  SHADOWWALK_CHECK(false, "there is no finding about this subject");
}

Report examine(const Host& host) {
  Report report;
  report.sections = {{"machine", "Machine", examine_machine(host)},
                     {"cpus", "CPUs", examine_cpus(host)},
                     {"floors", "Floors", examine_floors(host)},
                     {"memory", "Memory", examine_memory(host)},
                     {"counting", "Counting", examine_counting(host)},
                     {"tracing", "Tracing", examine_tracing(host)},
                     {"kvm", "KVM", examine_kvm(host)},
                     {"kernel_cells", "Cells in a kernel", examine_kernel_cells(host)}};
  report.host = host.facts;
  report.abilities = abilities(report, host);
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
  json["host"] = host::to_json(report.host);
  if (report.topology) json["topology"] = json_of(*report.topology);
  return json;
}

std::string to_text(const Report& report) {
  Text text;
  text.title("What can be measured here      ($ a command that fixes it, > other advice)");
  for (const Ability& ability : report.abilities) {
    text.row(name_of(ability.verdict), ability.name, ability.how);
    text.mend(ability.mend, ability.name);
  }
  for (const Section& section : report.sections) {
    text.title(section.title);
    for (const Finding& finding : section.findings) {
      text.row(name_of(finding.state), finding.subject, finding.value);
      if (finding.state != State::ok) text.paragraph(finding.meaning);
      text.mend(finding.mend, finding.subject);
    }
  }
  if (report.topology) add_topology(text, *report.topology);
  if (report.topology && report.finding("machine").state != State::ok) {  // it is a virtual machine
    text.line(
        "  In a virtual machine, a virtual CPU may move to another core at any time: measure again before a run.");
  }
  return text.take();
}

}  // namespace shadowwalk::doctor
