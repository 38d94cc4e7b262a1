#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/attach/live/live_runs.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/text/duration.hpp"

namespace shadowwalk::cli {
namespace {

using live::LiveRun;

std::string age_in_words(std::uint64_t ns) { return format_duration(std::chrono::nanoseconds(ns)); }

/// The name of the cell under way.
std::string cell_name(const LiveRun& live) { return live.cell ? live.cell->name : live.run->cell_name; }

/// variant/workload of the cell under way.
std::string what_is_measured(const LiveRun& live) {
  return live.cell ? live.cell->variant + "/" + live.cell->workload : live.run->variant + "/" + live.run->workload;
}

std::string threads_in_words(const LiveRun& live) {
  std::string text;
  for (const char* role : {"vcpu", "zapper", "reclaim", "main", "other"}) {
    if (const auto tids = live.threads.find(role); tids != live.threads.end()) {
      text += fmt::format("{}{} {}", text.empty() ? "" : "; ", role, fmt::join(tids->second, " "));
    }
  }
  return text;
}

void print_table(const std::vector<LiveRun>& runs, std::uint64_t now) {
  std::size_t id_width = 2;
  for (const LiveRun& live : runs) id_width = std::max(id_width, live.id.size());
  fmt::print("{:<{}}  {:>7}  {:>9}  {:<8}  {:>7}  {:>7}  {}\n", "ID", id_width, "PID", "CELL", "PHASE", "ELAPSED",
             "ETA", "VARIANT/WORKLOAD");
  for (const LiveRun& live : runs) {
    const auto eta = live.eta_ns(now);
    fmt::print("{:<{}}  {:>7}  {:>9}  {:<8}  {:>7}  {:>7}  {}\n", live.id, id_width, live.process.pid,
               live.run ? fmt::format("{}/{}", live.run->number, live.run->total) : "-", live.phase(now),
               age_in_words(now - std::min(now, live.began_ns)), eta ? age_in_words(*eta) : "-",
               what_is_measured(live));
    if (!live.threads.empty()) fmt::print("{:<{}}  tids: {}\n", "", id_width, threads_in_words(live));
  }
}

nlohmann::json to_json(const LiveRun& live, std::uint64_t now) {
  nlohmann::json object = {{"id", live.id},
                           {"pid", live.process.pid},
                           {"phase", live.phase(now)},
                           {"elapsed_ns", now - std::min(now, live.began_ns)},
                           {"name", cell_name(live)},
                           {"variant", live.cell ? live.cell->variant : live.run->variant},
                           {"workload", live.cell ? live.cell->workload : live.run->workload},
                           {"threads", live.threads}};
  if (const auto eta = live.eta_ns(now)) object["eta_ns"] = *eta;
  if (live.cell_process.pid != 0) object["cell_pid"] = live.cell_process.pid;
  if (live.run) {
    object["run"] = {{"directory", live.run->directory},  {"title", live.run->title},   {"number", live.run->number},
                     {"total", live.run->total},          {"failed", live.run->failed}, {"cell", live.run->cell},
                     {"repetition", live.run->repetition}};
  }
  return object;
}

void list(bool json) {
  const std::vector<LiveRun> runs = live::live_runs();
  const std::uint64_t now = live::now_ns();
  if (json) {
    nlohmann::json array = nlohmann::json::array();
    for (const LiveRun& live : runs) array.push_back(to_json(live, now));
    fmt::print("{}\n", array.dump(1, ' ', true, nlohmann::json::error_handler_t::replace));
  } else if (runs.empty()) {
    fmt::print("no live runs\n");
  } else {
    print_table(runs, now);
  }
}

}  // namespace

void add_ps(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("ps", "List the live runs, their progress, and the threads to attach to");
  auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "Print JSON (docs/attach.md)");
  verb->callback([json] { list(*json); });
}

}  // namespace shadowwalk::cli
