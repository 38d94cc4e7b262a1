// Any bytes as a trace: an InputError or events that a trace may hold, never a crash. The first byte says how the rest
// is taken, because no mutation would pass the checksums and few pass zstd:
//   even: a whole file, checksums ignored     odd: one block's events, as they are after decompression
#include "harness/trace/trace_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/trace/file_format.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/trace/from_memory.hpp"

namespace shadowwalk::fuzz {
namespace {

using namespace trace;

void read_file(std::string_view bytes) {
  accepts([&] {
    TraceReader reader(memory_file(bytes), "fuzz", Checksums::ignore);
    std::uint64_t last = 0;
    while (const auto event = reader.next()) {
      require(event_error(*event).empty() && event->time_ns >= last);
      last = event->time_ns;
    }
  });
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

void trace_reader(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::string_view rest = bytes.substr(1);
  if (static_cast<unsigned char>(bytes.front()) % 2 == 0) {
    read_file(rest);
  } else {
    read_block(std::as_bytes(std::span(rest)));
  }
}

}  // namespace shadowwalk::fuzz
