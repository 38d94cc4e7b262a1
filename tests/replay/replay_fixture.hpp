#pragma once

#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "tests/trace/trace_fixture.hpp"

namespace shadowwalk::replay::test {

using trace::kHostThread;
using trace::TraceEvent;
using trace::TraceKind;

/// A trace in a folder of its own.
class TraceFile {
 public:
  explicit TraceFile(const std::vector<TraceEvent>& events) {
    trace::TraceWriter writer(path(), "a test");
    for (const TraceEvent& event : events) writer.write(event);
    writer.finish();
  }
  std::filesystem::path path() const { return scratch_ / "made-up.swtrace"; }
  /// Another byte where the file's `share` of 1 is.
  void spoil(double share) const {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(share * static_cast<double>(std::filesystem::file_size(path())));
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ 0x55);
    file.seekp(at);
    file.put(byte);
  }

 private:
  trace::ScratchDirectory scratch_;
};

/// Accesses of `vcpus` vCPUs in turn, `step_ns` apart; every `zap_every`-th event is a host's zap of a level-1 page.
inline std::vector<TraceEvent> mixed_events(std::uint64_t count, unsigned vcpus, std::uint64_t step_ns = 100,
                                            std::uint64_t zap_every = 10) {
  std::vector<TraceEvent> events;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t gfn = i * 2654435761 % 10'007;
    if (i % zap_every == zap_every - 1) {
      events.push_back({i * step_ns, kHostThread, TraceKind::zap_page, gfn / 512 * 512, 512});
    } else {
      const TraceKind kind = i % 3 == 0 ? TraceKind::read_fault : TraceKind::write_fault;
      events.push_back({i * step_ns, static_cast<std::uint32_t>(i * 7 % vcpus), kind, gfn, 1});
    }
  }
  return events;
}

}  // namespace shadowwalk::replay::test
