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
  KnownNames names;
  names.workloads = {"mmio-poll",
                     "mmio-beside-reclaim",
                     "mmio-beside-teardown",
                     "mmio-beside-quota",
                     "mmio-beside-shrinker",
                     "demand-fault",
                     "memslot-flip",
                     "dirty-log",
                     "dirty-log-converging",
                     "quota",
                     "pagetable-churn",
                     "shrinker",
                     "balloon",
                     "stalled-walker",
                     "boot",
                     "mix",
                     "oversubscribed",
                     "idle-vcpus"};
  names.variant_groups = {
      {"kernel",
       {"rcu-counter", "irq-ipi", "irq-ipi-2012", "mode-membarrier", "rcu", "rcu-batch", "rcu-expedited", "srcu",
        "gus"}},
      {"epochs", {"qsbr", "ebr", "ebr-amortized", "debra"}},
      {"pointers", {"hazard", "hazard-asym", "hazard-pop", "hazard-eras", "ibr", "hyaline", "refcount"}},
      {"locks", {"mutex", "rwlock", "spinlock"}},
      {"controls", {"leak", "unsafe", "floor"}},
      {"negative", {"irq-ipi-nofence", "irq-ipi-early-return", "ebr-nofence", "hazard-novalidate"}}};
  names.variants = {"optimistic", "nbr"};
  std::vector<std::string> safe = names.variants;
  for (const auto& [family, variants] : names.variant_groups) {
    for (const std::string& variant : variants) {
      names.variants.push_back(variant);
      if (family != "negative" && variant != "unsafe") safe.push_back(variant);
    }
  }
  names.variant_groups["all"] = std::move(safe);
  names.variants.push_back("host-kvm");
  return names;
}

}  // namespace shadowwalk::run
