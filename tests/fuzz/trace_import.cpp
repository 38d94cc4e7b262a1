// Any text as a recording: an InputError, or events in order that a trace may hold; never a crash.
#include <cstdint>

#include "harness/trace/file_format.hpp"
#include "harness/trace/importer.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/trace/from_memory.hpp"

namespace shadowwalk::fuzz {

void trace_import(std::string_view bytes) {
  using namespace trace;
  TextLines lines(bytes);
  std::uint64_t last = 0;
  accepts([&] {
    // A small window, so that events leave it while their fault is still being told.
    import_text(lines, "fuzz", {.reorder_window = 8}, [&](const TraceEvent& event) {
      require(event_error(event).empty() && event.time_ns >= last);
      last = event.time_ns;
    });
  });
}

}  // namespace shadowwalk::fuzz
