#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/cli/arguments.hpp"
#include "harness/cli/matrices.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/kernel/needs_mutex.hpp"
#include "harness/lab/figures.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "harness/measure/pmu/availability.hpp"
#include "harness/measure/pmu/microarchitecture.hpp"
#include "harness/measure/pmu/pfm.hpp"
#include "harness/run/plan_summary.hpp"
#include "harness/text/duration.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::cli {
namespace {

using nlohmann::ordered_json;

/// Whether --machine kernel and kernel-vm have the variant.
std::string in_a_kernel(const VariantEntry& entry) {
  if (const std::string_view why = why_not_in_kernel(entry); !why.empty()) return fmt::format("no: {}", why);
  const std::string_view mutex = kernel::why_needs_mutex(entry.info.name);
  return mutex.empty() ? "yes" : fmt::format("only with --mmu-lock mutex: {}", mutex);
}

ordered_json describe_variants() {
  ordered_json list = ordered_json::array();
  for (const VariantEntry& entry : Registry::instance().entries()) {
    const VariantInfo& info = entry.info;
    const std::string unavailable = why_unavailable(info);
    list.push_back({{"name", info.name},
                    {"summary", info.summary},
                    {"family", to_string(info.family)},
                    {"here", unavailable.empty() ? "yes" : "no: " + unavailable},
                    {"in_a_kernel", in_a_kernel(entry)},
                    {"read_side", info.read_side_cost},
                    {"unreclaimed", info.unreclaimed_bound},
                    {"needs", info.needs},
                    {"source", info.source},
                    {"control", info.safe ? "" : "NEGATIVE: unsafe on purpose, must be caught"},
                    {"available", unavailable.empty()},
                    {"safe", info.safe},
                    {"reference", entry.is_reference()}});
    if (entry.plugin) list.back()["plugin"] = entry.plugin->file;
  }
  return list;
}

ordered_json describe_workloads() {
  ordered_json list = ordered_json::array();
  for (const Workload& workload : workloads()) {
    list.push_back({{"name", workload.name},
                    {"summary", workload.summary},
                    {"guest", workload.guest_part},
                    {"host", workload.host_part},
                    {"stresses", workload.stresses},
                    {"toml", workload.text}});
  }
  return list;
}

ordered_json describe_matrices() {
  ordered_json list = ordered_json::array();
  for (const std::filesystem::path& file : shipped_matrices()) {
    const run::Plan plan = run::make_plan(run::read_matrix(file, known_names()), {}, plan_host());
    const std::chrono::nanoseconds time = run::expected_time(plan);
    list.push_back({{"name", file.stem().string()},
                    {"title", plan.title},
                    {"measures", run::size_in_words(plan)},
                    {"takes", "about " + format_duration(time)},
                    {"file", file.string()},
                    {"cells", plan.cells.size()},
                    {"repetitions", plan.repetitions},
                    {"estimated_s", std::round(std::chrono::duration<double>(time).count())}});
  }
  return list;
}

void print_figures(bool as_json, bool as_markdown) {
  if (as_json) {
    fmt::print("{}", figures_as_json());
  } else if (as_markdown) {
    fmt::print("<!-- figures: cell -->\n{}<!-- end -->\n", figures_as_markdown(CellKind::measured));
    fmt::print("<!-- figures: host-kvm -->\n{}<!-- end -->\n", figures_as_markdown(CellKind::host_kvm));
    fmt::print("<!-- figures: simulated -->\n{}<!-- end -->\n", figures_as_markdown(CellKind::simulated));
  } else {
    for (const FigureTopic& topic : figure_topics()) {
      for (const Figure& figure : topic.figures) {
        fmt::print("{}: {}\n  unit         {}\n  level        {}\n", fmt::join(counters_of(figure), " "),
                   figure.meaning, unit_name(figure.unit), to_string(figure.level));
      }
    }
  }
}

void print(const ordered_json& list, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", list.dump(1, ' ', true));
    return;
  }
  for (const auto& item : list) {
    const std::string heading = item.contains("title") ? "title" : "summary";
    fmt::print("{}: {}\n", item["name"].get<std::string>(), item[heading].get<std::string>());
    for (const auto& [key, value] : item.items()) {
      if (key == "name" || key == heading || key == "toml" || !value.is_string() || value == "") continue;
      std::string title = key;
      std::replace(title.begin(), title.end(), '_', ' ');
      fmt::print("  {:<12} {}\n", title, value.get<std::string>());
    }
  }
}

pmu::EventCatalog matching(const std::string& pattern) {
  RE2::Options options(RE2::Quiet);
  options.set_case_sensitive(false);
  const RE2 regex(pattern, options);
  if (!regex.ok()) {
    throw InputError(fmt::format("list events: '{}' is no regular expression: {}; quote characters like ( [ * with \\",
                                 pattern.substr(0, 60), regex.error().substr(0, 60)));
  }
  auto catalog = pmu::event_catalog([&](std::string_view name, std::string_view source) {
    return RE2::PartialMatch(name, regex) || RE2::PartialMatch(source, regex);
  });
  if (catalog.entries.empty()) {
    const std::string& why = catalog.why_no_tracepoints;
    throw InputError(fmt::format("list events: no event matches '{}'{}", pattern.substr(0, 60),
                                 why.empty() ? "" : fmt::format("; tracepoints are not listed: {}", why)));
  }
  return catalog;
}

ordered_json to_json(const pmu::EventCatalog& catalog) {
  ordered_json list = ordered_json::array();
  for (const pmu::CatalogEntry& entry : catalog.entries) {
    ordered_json item = {{"name", entry.name}, {"source", entry.source}, {"summary", entry.description}};
    if (!entry.caveat.empty()) item["caveat"] = entry.caveat;
    item["available"] = entry.unavailable.empty();
    if (!entry.unavailable.empty()) item["reason"] = entry.unavailable;
    list.push_back(std::move(item));
  }
  return list;
}

/// Reasons are long and few: rows hold numbers, and the reasons follow after the last row.
class Reasons {
 public:
  std::string mark(const std::string& reason) {
    if (reason.empty()) return "yes";
    auto found = std::find(reasons_.begin(), reasons_.end(), reason);
    if (found == reasons_.end()) found = reasons_.insert(reasons_.end(), reason);
    return fmt::format("no [{}]", found - reasons_.begin() + 1);
  }
  void print() const {
    for (std::size_t i = 0; i < reasons_.size(); ++i) fmt::print("[{}] {}\n", i + 1, reasons_[i]);
  }

 private:
  std::vector<std::string> reasons_;
};

void print(const pmu::EventCatalog& catalog) {
  const auto core = pmu::core_pmu();
  fmt::print("CPU: {}; libpfm4: {}\n", to_string(pmu::this_microarchitecture()),
             core ? fmt::format("{} ({})", core->name, core->description) : "has no core PMU here");
  Reasons reasons;
  std::string source;
  for (const pmu::CatalogEntry& entry : catalog.entries) {
    if (entry.source != source) fmt::print("\n{}\n", source = entry.source);
    fmt::print("  {:<8} {}\n", reasons.mark(entry.unavailable), entry.name);
    if (!entry.description.empty()) fmt::print("           {}\n", entry.description);
    if (!entry.caveat.empty()) fmt::print("           note: {}\n", entry.caveat);
  }
  fmt::print("\nThe first column: whether the event can be counted for a thread here.\n");
  reasons.print();
  if (const std::string& why = catalog.why_no_tracepoints; !why.empty()) {
    fmt::print("Tracepoints (SYSTEM:EVENT, such as kvm:kvm_exit) are not listed: {}\n", why);
  }
  fmt::print(
      "Also: PMU/TERM=VALUE,.../ as perf writes them.\n"
      "Modifiers :u :k :h :G choose user, kernel, hypervisor and guest; hardware events count user code by default.\n");
}

/// `shadowwalk list events`: the sets of `--events` for this CPU, and every event that can be named, each with whether
/// it can be counted here. `pattern` is a regular expression of RE2, case ignored, that an event's name or its
/// source (`set contention`, `msr`) must hold; empty: all. Throws InputError if it is malformed or nothing matches.
void list_events(const std::string& pattern, bool as_json) {
  const pmu::EventCatalog catalog = matching(pattern);
  if (as_json) {
    fmt::print("{}\n", to_json(catalog).dump(1, ' ', true, nlohmann::json::error_handler_t::replace));
  } else {
    print(catalog);
  }
}

}  // namespace

void add_list(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("list", "Show the variants, workloads, matrices or events that there are");
  verb->require_subcommand(0, 1);
  verb->final_callback([verb] {
    if (verb->get_subcommands().empty())
      throw CLI::RequiredError("list: what (variants, workloads, matrices or events)");
  });
  auto as_json = std::make_shared<bool>(false);
  const auto add = [&](const char* what, const char* help, ordered_json (*describe)()) {
    CLI::App* list = verb->add_subcommand(what, help);
    list->add_flag("--json", *as_json, "Print JSON");
    list->callback([as_json, describe] { print(describe(), *as_json); });
    return list;
  };
  add_plugin_option(*add("variants", "Reclamation schemes and what each costs", describe_variants));
  add("workloads", "What guest and host do", describe_workloads);
  add("matrices", "The matrices that ship: what each measures on this host, and how long it takes", describe_matrices);

  auto as_markdown = std::make_shared<bool>(false);
  CLI::App* figures = verb->add_subcommand("figures", "The counters of results, with their units and meanings");
  figures->add_flag("--json", *as_json, "Print JSON");
  figures->add_flag("--markdown", *as_markdown, "Print the tables of docs/result-format.md")->excludes("--json");
  figures->callback([as_json, as_markdown] { print_figures(*as_json, *as_markdown); });

  CLI::App* events = verb->add_subcommand(
      "events", "What --events can count: sets for this CPU, events, and whether they can be counted here");
  auto pattern = std::make_shared<std::string>();
  events->add_option("REGEX", *pattern, "Only events whose name or source matches; upper and lower case are the same");
  events->add_flag("--json", *as_json, "Print JSON");
  events->callback([as_json, pattern] { list_events(*pattern, *as_json); });
}

}  // namespace shadowwalk::cli
