#pragma once

#include "harness/run/matrix.hpp"
#include "tests/files.hpp"

namespace shadowwalk::run {

/// The variants that fake_cell knows.
inline KnownNames fake_names() {
  return {.variants = {"good", "large", "crash", "hang", "fail", "fail-silently", "refuse", "garbage", "empty",
                       "error-but-0", "no-result", "flood", "noisy", "noisy-once", "noisy-then-crash",
                       "noisy-violation", "steady", "steady-too", "spread"},
          .workloads = {"mmio-poll"}};
}

/// The names that the product has, for tests of the matrices that it ships.
inline KnownNames product_names() {
  return {// clang-format off
      .variants = {"rcu-counter", "irq-ipi", "irq-ipi-2012", "mode-membarrier", "rcu", "rcu-batch",
                   "rcu-expedited", "srcu", "gus", "qsbr", "ebr", "ebr-amortized", "debra", "hazard",
                   "hazard-asym", "hazard-pop", "hazard-eras", "ibr", "hyaline", "refcount", "optimistic",
                   "nbr", "mutex", "rwlock", "spinlock", "leak", "unsafe", "irq-ipi-nofence",
                   "irq-ipi-early-return", "ebr-nofence", "hazard-novalidate", "floor", "host-kvm"},
          // clang-format on
          .workloads = {"mmio-poll", "mmio-beside-reclaim", "mmio-beside-teardown", "mmio-beside-quota",
                        "mmio-beside-shrinker", "demand-fault", "memslot-flip", "dirty-log", "dirty-log-converging",
                        "pagetable-churn", "quota", "shrinker", "balloon", "stalled-walker", "oversubscribed",
                        "idle-vcpus", "boot", "mix"}};
}

}  // namespace shadowwalk::run
