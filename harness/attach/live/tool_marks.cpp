#include "harness/attach/live/tool_marks.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "harness/attach/live/entry.hpp"
#include "harness/attach/live/runtime_directory.hpp"

namespace shadowwalk::live {
namespace {

using nlohmann::json;

constexpr const char* kMarkFormat = "shadowwalk-mark-1";
constexpr std::uint64_t kStillOn = std::numeric_limits<std::uint64_t>::max();

struct Mark {
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
  std::string command;
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Mark, begin_ns, end_ns, command)

std::optional<Mark> parse_mark(const std::string& text) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || object.value("format", "") != kMarkFormat) return std::nullopt;
  return object.get<Mark>();
}

bool is_mark_of(const RuntimeFile& file, const Process& measuring) {
  return !file.is_partial && file.process == measuring && number_behind(file.kind, kMarkKind);
}

}  // namespace

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
  json object = Mark{begin_ns_, end_ns, command_};
  object["format"] = kMarkFormat;
  RuntimeDirectory::make().replace(name_, object.dump(1, ' ', false, json::error_handler_t::replace));
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
      const std::optional<Mark> mark = text ? parse_mark(*text) : std::nullopt;
      if (mark && mark->begin_ns <= end_ns && mark->end_ns >= begin_ns) marks.push_back(*mark);
    }
    std::ranges::sort(marks, {}, &Mark::begin_ns);
    for (Mark& mark : marks) commands.push_back(std::move(mark.command));
  } catch (const std::exception&) {
    // The directory is refused, or a file is no mark: no tool could leave a mark there either.
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
