#pragma once

#include <cstddef>

/// Where a debugger may stop a replay (docs/verify.md). Each does nothing.
extern "C" {
/// Before the `number`-th step, from 1 on; `what`: the step, in words, as in the schedule's file.
void shadowwalk_replay_step(std::size_t number, const char* what);
/// When it has gone wrong, on the stack of the CPU that found out.
void shadowwalk_replay_wrong(const char* what);
}
