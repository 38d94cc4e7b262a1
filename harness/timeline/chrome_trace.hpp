#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "harness/timeline/recorder.hpp"

namespace shadowwalk::timeline {

/// The recording in Chrome's trace-event format (JSON object form), which Perfetto and chrome://tracing open: one track
/// per thread, an arrow from each IPI to its acknowledgement, and a counter of unreclaimed pages. `name`: of the
/// process; `about`: facts about the trace, for its `otherData`.
std::string to_chrome_trace(const Recorder& recorder, const std::string& name,
                            const std::map<std::string, std::string>& about);

/// Numbers of dropped records by probe, without zeros; a row of pages counts each page.
std::map<std::string, std::uint64_t> dropped_by_probe(const Recorder& recorder);

}  // namespace shadowwalk::timeline
