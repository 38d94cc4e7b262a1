// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "harness/guest/access.hpp"
#include "harness/lab/basic_records.hpp"
#include "harness/mmu/mmu_counts.hpp"
#include "harness/mmu/walk_checks.hpp"

namespace shadowwalk {

/// One vCPU's side of an engine. Made, used and destroyed on the vCPU's own thread.
class EngineVcpu {
 public:
  virtual ~EngineVcpu() = default;
  /// Walks for each access, through the fault path where the walk does not serve it. One virtual call a burst.
  virtual void walk(std::span<const Access> accesses, WalkRecord& record) = 0;
  /// begin() and end() of the variant's read-side section around nothing, `count` times; nothing for the floor.
  virtual void empty_sections(std::size_t count) = 0;
  /// Around running the guest and idling.
  virtual void offline() = 0;
  virtual void online() = 0;
  /// Serves kRequestReloadRoot.
  virtual void reload_root() = 0;

  /// What the walks and faults so far came to. The floor counts nothing.
  virtual WalkCounts counts() const = 0;
  /// The first violation in words; empty if there was none.
  virtual std::string_view first_violation() const = 0;
};

/// The same over a TreeVcpu, or what adds to one.
template <class Walking>
class EngineVcpuOf final : public EngineVcpu, public Walking {
 public:
  using Walking::Walking;

  void walk(std::span<const Access> accesses, WalkRecord& record) override { walk_burst(*this, accesses, record); }
  void empty_sections(std::size_t count) override { this->mmu().empty_sections(count); }
  void offline() override { this->mmu().offline(); }
  void online() override { this->mmu().online(); }
  void reload_root() override { this->mmu().reload_root(); }
  WalkCounts counts() const override { return this->mmu().counts(); }
  std::string_view first_violation() const override { return this->mmu().first_violation(); }
};

/// One whose walks pay only for the checks and stalls that the cell asks for. `Walking<kFullChecks, kReadDelay>` is
/// made of `arguments` and the delay.
template <template <bool, bool> class Walking, class... Arguments>
std::unique_ptr<EngineVcpu> make_engine_vcpu(bool full_checks, const ReadDelay& delay, Arguments&&... arguments) {
  if (full_checks) {
    if (delay.on()) return std::make_unique<EngineVcpuOf<Walking<true, true>>>(arguments..., delay);
    return std::make_unique<EngineVcpuOf<Walking<true, false>>>(arguments..., delay);
  }
  if (delay.on()) return std::make_unique<EngineVcpuOf<Walking<false, true>>>(arguments..., delay);
  return std::make_unique<EngineVcpuOf<Walking<false, false>>>(arguments..., delay);
}

}  // namespace shadowwalk
