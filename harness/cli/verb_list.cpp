#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/cli/list_events.hpp"
#include "harness/cli/plugin_option.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/lab/figures.hpp"
#include "harness/lab/registry.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::cli {
namespace {

using nlohmann::ordered_json;

ordered_json describe_variants() {
  ordered_json list = ordered_json::array();
  for (const VariantEntry& entry : Registry::instance().entries()) {
    const VariantInfo& info = entry.info;
    const std::string unavailable = why_unavailable(info);
    list.push_back({{"name", info.name},
                    {"summary", info.summary},
                    {"family", to_string(info.family)},
                    {"here", unavailable.empty() ? "yes" : "no: " + unavailable},
                    {"read side", info.read_side_cost},
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
                   figure.meaning, name_of(figure.unit), to_string(figure.level));
      }
    }
  }
}

void print(const ordered_json& list, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", list.dump(1));
    return;
  }
  for (const auto& item : list) {
    fmt::print("{}: {}\n", item["name"].get<std::string>(), item["summary"].get<std::string>());
    for (const auto& [key, value] : item.items()) {
      if (key == "name" || key == "summary" || key == "toml" || !value.is_string() || value == "") continue;
      fmt::print("  {:<12} {}\n", key, value.get<std::string>());
    }
  }
}

}  // namespace

void add_list(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("list", "Tell what variants, workloads or events there are, to choose from");
  verb->require_subcommand(1);
  auto as_json = std::make_shared<bool>(false);
  const auto add = [&](const char* what, const char* help, ordered_json (*describe)()) {
    CLI::App* list = verb->add_subcommand(what, help);
    list->add_flag("--json", *as_json, "Print JSON");
    list->callback([as_json, describe] { print(describe(), *as_json); });
    return list;
  };
  add_plugin_option(*add("variants", "Reclamation schemes, with their costs in words", describe_variants));
  add("workloads", "What the guest runs and what the host does meanwhile", describe_workloads);

  auto as_markdown = std::make_shared<bool>(false);
  CLI::App* figures = verb->add_subcommand("figures", "The counters of results, with their units and meanings");
  figures->add_flag("--json", *as_json, "Print JSON");
  figures->add_flag("--markdown", *as_markdown, "Print the tables of docs/result-format.md")->excludes("--json");
  figures->callback([as_json, as_markdown] { print_figures(*as_json, *as_markdown); });

  CLI::App* events =
      verb->add_subcommand("events", "What --events can count: sets for this CPU, events, and whether here");
  auto pattern = std::make_shared<std::string>();
  events->add_option("REGEX", *pattern, "Only events whose name or source looks like this; case does not matter");
  events->add_flag("--json", *as_json, "Print JSON");
  events->callback([as_json, pattern] { list_events(*pattern, *as_json); });
}

}  // namespace shadowwalk::cli
