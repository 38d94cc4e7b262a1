#pragma once

#include <string>

#include "harness/measure/pmu/encoded_event.hpp"

/// What this machine lets the calling user count.
namespace shadowwalk::pmu {

/// Whether hardware events can be counted: empty if `cycles` opens for the calling thread; else the reason in words,
/// with the remedy where there is one.
std::string unavailable_reason(const SystemPaths& paths = {});

/// Whether they can be read without a system call, which is what counts walks alone: empty, or the reason.
std::string self_reading_unavailable_reason(const SystemPaths& paths = {});

/// Whether an event can be counted for a thread here: empty, or the reason.
std::string cannot_count(const std::string& event, const SystemPaths& paths = {});

}  // namespace shadowwalk::pmu
