#pragma once

#include <optional>
#include <vector>

#include "harness/machine/error.hpp"
#include "harness/machine/placement.hpp"
#include "harness/os/allowed_cpus.hpp"

namespace shadowwalk::os {

/// Keeps the calling thread on one CPU until the end of the scope, so that memory which it touches first lies on that
/// CPU's NUMA node. Threads that it starts meanwhile inherit the CPU.
class ScopedAffinity {
 public:
  /// Nothing happens without a `cpu`. Throws CellError if the kernel refuses.
  explicit ScopedAffinity(std::optional<unsigned> cpu) {
    if (!cpu) return;
    before_ = allowed_cpus();
    pin_this_thread(*cpu);
  }
  ~ScopedAffinity() {
    if (before_.empty()) return;
    try {
      pin_this_thread(before_);
    } catch (const CellError&) {  // these CPUs were taken away meanwhile: the kernel has chosen others
    }
  }
  ScopedAffinity(const ScopedAffinity&) = delete;
  ScopedAffinity& operator=(const ScopedAffinity&) = delete;

 private:
  std::vector<unsigned> before_;
};

}  // namespace shadowwalk::os
