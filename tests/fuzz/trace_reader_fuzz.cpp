// Any bytes as a trace: an InputError or events that a trace may hold, never a crash. The first byte says how the rest
// is taken, because no mutation would pass the checksums and few pass zstd:
//   even: a whole file, checksums ignored     odd: one block's events, as they are after decompression
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "harness/machine/error.hpp"
#include "harness/trace/file_format.hpp"
#include "harness/trace/trace_reader.hpp"
#include "tests/trace/from_memory.hpp"

namespace {

using namespace shadowwalk;
using namespace shadowwalk::trace;

void require(bool holds) {
  if (!holds) std::abort();
}

void read_file(std::string_view bytes) {
  try {
    TraceReader reader(memory_file(bytes), "fuzz", Checksums::ignore);
    std::uint64_t last = 0;
    while (const auto event = reader.next()) {
      require(event_error(*event).empty() && event->time_ns >= last);
      last = event->time_ns;
    }
  } catch (const InputError&) {
  }
}

/// What is decoded is what encoding it gives back.
void read_block(std::span<const std::byte> bytes) {
  BlockDecoder decoder(bytes);
  EventContext context;
  Bytes again;
  std::vector<TraceEvent> events;
  for (TraceEvent event; !decoder.at_end() && decoder.next(event);) {
    require(event_error(event).empty());
    encode_event(event, context, again);
    events.push_back(event);
  }
  BlockDecoder second(again);
  for (const TraceEvent& expected : events) {
    TraceEvent event;
    require(second.next(event) && event == expected);
  }
  require(second.at_end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] % 2 == 0) {
    read_file(bytes);
  } else {
    read_block(std::as_bytes(std::span(bytes)));
  }
  return 0;
}
