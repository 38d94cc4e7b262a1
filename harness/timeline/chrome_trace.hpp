#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "harness/timeline/recorder.hpp"

namespace shadowwalk::timeline {

/// What was recorded in Chrome's trace-event format (JSON object form), which Perfetto and chrome://tracing open: a
/// track a thread, arrows from an IPI to its acknowledgement, a counter of unreclaimed pages. `about`: what the trace
/// is of, for its `otherData`; `name`: of the process.
std::string to_chrome_trace(const Recorder& recorder, const std::string& name,
                            const std::map<std::string, std::string>& about);

/// Records that gave way to newer ones, by probe; pages count each. Only those that are not 0.
std::map<std::string, std::uint64_t> dropped_by_probe(const Recorder& recorder);

}  // namespace shadowwalk::timeline
