#include "harness/attach/live/entry.hpp"

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/attach/live/process.hpp"
#include "harness/attach/live/runtime_directory.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/printable.hpp"

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

CellPart cell_from(const json& object) {
  CellPart cell{.id = object.at("id"),
                .name = object.at("name"),
                .variant = object.at("variant"),
                .workload = object.at("workload"),
                .held = object.at("held"),
                .counters_fd = object.value("counters_fd", -1),
                .schedule = std::nullopt};
  if (object.contains("window_end_ns")) {
    cell.schedule = Schedule{object.at("warmup_end_ns"), object.at("window_end_ns")};
  }
  return cell;
}

/// An entry has whole numbers only; others do not fit what they are read into.
bool has_fraction(const json& value) {
  return value.is_number_float() || (value.is_structured() && std::ranges::any_of(value, has_fraction));
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

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RunPart, directory, title, number, total, failed, cell, repetition, cell_name,
                                   variant, workload, done_ns)

std::uint64_t now_ns() { return CycleClock::monotonic_ns(); }

std::string to_text(const Entry& entry) {
  json object = {{"format", kEntryFormat}, {"began_ns", entry.began_ns}};
  if (entry.cell) object["cell"] = json_of(*entry.cell);
  if (entry.run) object["run"] = *entry.run;
  // A title or a path need not be UTF-8.
  return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::optional<Entry> from_text(const std::string& text) {
  try {
    const json object = json::parse(text);
    if (object.at("format") != kEntryFormat || has_fraction(object)) return std::nullopt;
    Entry entry{.began_ns = object.at("began_ns"), .cell = std::nullopt, .run = std::nullopt};
    if (object.contains("cell")) entry.cell = cell_from(object.at("cell"));
    if (object.contains("run")) entry.run = object.at("run").get<RunPart>();
    make_printable(entry);
    return entry.cell || entry.run ? std::optional(entry) : std::nullopt;
  } catch (const json::exception&) {
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
