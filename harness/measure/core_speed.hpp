#pragma once

namespace shadowwalk {

/// How fast the calling thread's CPU runs: dependent multiplications a ns, the best of a few short tries, so that a
/// preemption does not count as a slow clock. Only ratios mean something: of one CPU before and after, a change of its
/// frequency. Takes some 100 us, and needs no PMU.
double core_speed();

}  // namespace shadowwalk
