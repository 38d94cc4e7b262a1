#include "harness/attach/live/entry.hpp"

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/attach/live/process.hpp"
#include "harness/attach/live/runtime_directory.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/printable.hpp"
#include "harness/text/json_reader.hpp"

namespace shadowwalk::live {
namespace {

using nlohmann::json;

constexpr const char* kEntryFormat = "shadowwalk-live-1";

json json_of(const CellPart& cell) {
  json object = {{"id", cell.id},
                 {"name", cell.name},
                 {"variant", cell.variant},
                 {"workload", cell.workload},
                 {"held", cell.held}};
  if (cell.counters_fd >= 0) object["counters_fd"] = cell.counters_fd;
  if (cell.schedule) {
    object["warmup_end_ns"] = cell.schedule->warmup_end_ns;
    object["window_end_ns"] = cell.schedule->window_end_ns;
  }
  return object;
}

CellPart cell_from(const JsonValue& object) {
  CellPart cell{.id = object.at("id").number<std::int64_t>(-1),
                .name = object.at("name").raw_text(),
                .variant = object.at("variant").raw_text(),
                .workload = object.at("workload").raw_text(),
                .held = object.at("held").flag(),
                .schedule = std::nullopt};
  if (const auto fd = object.find("counters_fd")) cell.counters_fd = fd->number(0);
  if (const auto window_end = object.find("window_end_ns")) {
    cell.schedule = Schedule{object.at("warmup_end_ns").number<std::uint64_t>(), window_end->number<std::uint64_t>()};
  }
  return cell;
}

json json_of(const RunPart& run) {
  return {{"directory", run.directory},   {"title", run.title},         {"number", run.number},
          {"total", run.total},           {"failed", run.failed},       {"cell", run.cell},
          {"repetition", run.repetition}, {"cell_name", run.cell_name}, {"variant", run.variant},
          {"workload", run.workload},     {"done_ns", run.done_ns}};
}

RunPart run_from(const JsonValue& object) {
  return {.directory = object.at("directory").raw_text(),
          .title = object.at("title").raw_text(),
          .number = object.at("number").number<std::size_t>(),
          .total = object.at("total").number<std::size_t>(),
          .failed = object.at("failed").number<std::size_t>(),
          .cell = object.at("cell").number<std::int64_t>(0),
          .repetition = object.at("repetition").number(0),
          .cell_name = object.at("cell_name").raw_text(),
          .variant = object.at("variant").raw_text(),
          .workload = object.at("workload").raw_text(),
          .done_ns = object.at("done_ns").number<std::uint64_t>()};
}

/// An entry is another process's, and its texts are shown on terminals.
void make_printable(Entry& entry) {
  const auto clean = [](std::initializer_list<std::string*> texts) {
    for (std::string* text : texts) *text = os::printable(*text);
  };
  if (entry.cell) clean({&entry.cell->name, &entry.cell->variant, &entry.cell->workload});
  if (entry.run) {
    clean({&entry.run->directory, &entry.run->title, &entry.run->cell_name, &entry.run->variant, &entry.run->workload});
  }
}

}  // namespace

std::uint64_t now_ns() { return CycleClock::monotonic_ns(); }

std::string to_text(const Entry& entry) {
  json object = {{"format", kEntryFormat}, {"began_ns", entry.began_ns}};
  if (entry.cell) object["cell"] = json_of(*entry.cell);
  if (entry.run) object["run"] = json_of(*entry.run);
  // A title or a path need not be UTF-8.
  return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::optional<Entry> from_text(const std::string& text) {
  try {
    const json document = parse_json(text);
    const JsonValue object(document);
    if (object.at("format").raw_text() != kEntryFormat) return std::nullopt;
    Entry entry{.began_ns = object.at("began_ns").number<std::uint64_t>(), .cell = std::nullopt, .run = std::nullopt};
    if (const auto cell = object.find("cell")) entry.cell = cell_from(*cell);
    if (const auto run = object.find("run")) entry.run = run_from(*run);
    make_printable(entry);
    return entry.cell || entry.run ? std::optional(entry) : std::nullopt;
  } catch (const InputError&) {
    return std::nullopt;
  }
}

Registration::Registration(Warn warn) : warn_(std::move(warn)), name_(file_name(this_process())) {
  try {
    directory_.emplace(RuntimeDirectory::make());
  } catch (const InputError& error) {
    give_up(error.what());
  }
}

Registration::~Registration() {
  if (directory_) directory_->remove(name_);
}

void Registration::update(const Entry& entry) {
  if (!directory_) return;
  try {
    directory_->replace(name_, to_text(entry));
  } catch (const InputError& error) {
    directory_->remove(name_);  // its content is out of date
    give_up(error.what());
  }
}

void Registration::give_up(const std::string& why) {
  directory_.reset();
  if (warn_) warn_(why);
}

}  // namespace shadowwalk::live
