#include "harness/attach/live/tool_marks.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/attach/live/entry.hpp"
#include "harness/attach/live/runtime_directory.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/printable.hpp"
#include "harness/text/json_reader.hpp"

namespace shadowwalk::live {
namespace {

using nlohmann::json;

constexpr const char* kMarkFormat = "shadowwalk-mark-1";
constexpr std::uint64_t kStillOn = std::numeric_limits<std::uint64_t>::max();

bool is_mark_of(const RuntimeFile& file, const Process& measuring) {
  return !file.is_partial && file.process == measuring && number_behind(file.kind, kMarkKind);
}

}  // namespace

std::string to_text(const Mark& mark) {
  const json object = {
      {"format", kMarkFormat}, {"begin_ns", mark.begin_ns}, {"end_ns", mark.end_ns}, {"command", mark.command}};
  return object.dump(1, ' ', false, json::error_handler_t::replace);
}

std::optional<Mark> mark_from_text(const std::string& text) {
  try {
    const json document = parse_json(text);
    const JsonValue object(document);
    if (object.at("format").raw_text() != kMarkFormat) return std::nullopt;
    return Mark{.begin_ns = object.at("begin_ns").number<std::uint64_t>(),
                .end_ns = object.at("end_ns").number<std::uint64_t>(),
                .command = os::printable(object.at("command").raw_text())};
  } catch (const InputError&) {
    return std::nullopt;
  }
}

ToolMark::ToolMark(const Process& measuring, std::string command)
    : name_(file_name(measuring, fmt::format("{}{}", kMarkKind, getpid()))),
      command_(std::move(command)),
      begin_ns_(now_ns()) {
  write(kStillOn);
}

ToolMark::~ToolMark() {
  try {
    const std::optional<RuntimeDirectory> directory = RuntimeDirectory::find();
    if (directory && directory->read(name_)) write(now_ns());  // missing: the measuring process is gone, too
  } catch (const std::exception&) {
    // The mark stays, and the reader counts it until the process ends.
  }
}

void ToolMark::write(std::uint64_t end_ns) const {
  RuntimeDirectory::make().replace(name_, to_text(Mark{begin_ns_, end_ns, command_}));
}

std::vector<std::string> tools_on(const Process& measuring, std::uint64_t begin_ns, std::uint64_t end_ns) noexcept {
  std::vector<std::string> commands;
  try {
    const std::optional<RuntimeDirectory> directory = RuntimeDirectory::find();
    if (!directory) return {};
    std::vector<Mark> marks;
    for (const RuntimeFile& file : directory->files()) {
      if (!is_mark_of(file, measuring)) continue;
      const std::optional<std::string> text = directory->read(file.name);
      const std::optional<Mark> mark = text ? mark_from_text(*text) : std::nullopt;
      if (mark && mark->begin_ns <= end_ns && mark->end_ns >= begin_ns) marks.push_back(*mark);
    }
    std::ranges::sort(marks, {}, &Mark::begin_ns);
    for (Mark& mark : marks) commands.push_back(std::move(mark.command));
  } catch (const std::exception&) {
    // The directory is refused: no tool could leave a mark there either.
  }
  return commands;
}

void remove_marks(const Process& measuring) noexcept {
  try {
    const std::optional<RuntimeDirectory> directory = RuntimeDirectory::find();
    if (!directory) return;
    for (const RuntimeFile& file : directory->files()) {
      if (is_mark_of(file, measuring)) directory->remove(file.name);
    }
  } catch (const std::exception&) {
    // The next reader of the live runs removes them.
  }
}

}  // namespace shadowwalk::live
