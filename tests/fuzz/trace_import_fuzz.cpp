// Any text as a recording: an InputError, or events in order that a trace may hold; never a crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "harness/machine/error.hpp"
#include "harness/trace/file_format.hpp"
#include "harness/trace/importer.hpp"
#include "tests/trace/from_memory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shadowwalk;
  using namespace shadowwalk::trace;
  TextLines lines(std::string_view(reinterpret_cast<const char*>(data), size));
  std::uint64_t last = 0;
  try {
    // A small window, so that events leave it while their fault is still being told.
    import_text(lines, "fuzz", {.reorder_window = 8}, [&](const TraceEvent& event) {
      if (!event_error(event).empty() || event.time_ns < last) std::abort();
      last = event.time_ns;
    });
  } catch (const InputError&) {
  }
  return 0;
}
