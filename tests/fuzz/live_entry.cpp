// Any text as each of the files of the runtime directory: what a process measures, which tool is attached to it, which
// window a tool saw.
#include <string>

#include "harness/attach/live/entry.hpp"
#include "harness/attach/live/tool_marks.hpp"
#include "harness/attach/live/window_gate.hpp"
#include "tests/fuzz/targets.hpp"

namespace shadowwalk::fuzz {
namespace {

/// What is written of a value that was read is read into the same value.
template <class Value, class Read>
void require_same(const Value& value, Read read) {
  const std::string text = to_text(value);
  const auto again = read(text);
  require(again && to_text(*again) == text);
}

void require_printable(const live::Entry& entry) {
  if (entry.cell) require(is_printable(entry.cell->name + entry.cell->variant + entry.cell->workload));
  if (entry.run) {
    require(is_printable(entry.run->directory + entry.run->title + entry.run->cell_name + entry.run->variant +
                         entry.run->workload));
  }
}

}  // namespace

void live_entry(std::string_view bytes) {
  using namespace live;
  const std::string text(bytes);
  if (const auto entry = from_text(text)) {
    require(entry->cell || entry->run);
    require(!entry->cell || (entry->cell->id >= -1 && entry->cell->counters_fd >= -1));
    require_printable(*entry);
    require_same(*entry, from_text);
  }
  if (const auto mark = mark_from_text(text)) {
    require(is_printable(mark->command));
    require_same(*mark, mark_from_text);
  }
  if (const auto window = watched_window_from_text(text)) {
    require(is_printable(window->failure));
    require_same(*window, watched_window_from_text);
  }
}

}  // namespace shadowwalk::fuzz
