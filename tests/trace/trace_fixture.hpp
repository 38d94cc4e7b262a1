#pragma once

#include <stdlib.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "harness/trace/trace_reader.hpp"
#include "harness/trace/trace_writer.hpp"
#include "tests/trace/from_memory.hpp"

namespace shadowwalk::trace {

/// A directory of its own, gone at the end.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "shadowwalk-trace.XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline std::vector<TraceEvent> read_all(TraceReader& reader) {
  std::vector<TraceEvent> events;
  while (const auto event = reader.next()) events.push_back(*event);
  return events;
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The bytes of a trace of these events.
inline std::string trace_bytes(const std::vector<TraceEvent>& events, std::string_view source = "a test") {
  const ScratchDirectory scratch;
  TraceWriter writer(scratch / "t.swtrace", source);
  for (const TraceEvent& event : events) writer.write(event);
  writer.finish();
  return slurp(scratch / "t.swtrace");
}

inline TraceReader reader_of(std::string_view bytes, Checksums checksums = Checksums::verify) {
  return {memory_file(bytes), "bytes", checksums};
}

/// Each kind, host threads and vCPUs, and the extremes of every field.
inline std::vector<TraceEvent> all_kinds_and_extremes() {
  std::vector<TraceEvent> events;
  std::uint64_t time = 0;
  for (std::size_t kind = 1; kind <= kMaxTraceKind; ++kind) {
    const auto of_kind = static_cast<TraceKind>(kind);
    events.push_back({time, 0, of_kind, 0, 0});
    events.push_back({time, kHostThread, of_kind, kUnknownGfn, kTraceGfnLimit});
    events.push_back({time += 1000, kMaxTraceVcpus - 1, of_kind, kTraceGfnLimit - 1, 1});
    events.push_back({time += kind, 1, of_kind, 1, 512});
  }
  events.push_back({UINT64_MAX - 1, 0, TraceKind::read_fault, 7, 1});
  events.push_back({UINT64_MAX, 0, TraceKind::zap_all, 0, 3});
  return events;
}

}  // namespace shadowwalk::trace
