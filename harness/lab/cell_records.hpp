#pragma once

#include "harness/lab/basic_records.hpp"
#include "harness/machine/cycle_clock.hpp"

/// The records of this process's threads.
namespace shadowwalk {

using ZapRecord = BasicZapRecord<CycleClock>;
using IpiRecord = BasicIpiRecord<CycleClock>;

}  // namespace shadowwalk
