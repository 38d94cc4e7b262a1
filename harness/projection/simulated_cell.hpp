#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <string>

#include "harness/coherence/machine.hpp"
#include "harness/lab/action_schedule.hpp"
#include "harness/lab/engine.hpp"
#include "harness/lab/grace_period_record.hpp"
#include "harness/lab/host_actor.hpp"
#include "harness/lab/page_budget.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/machine/check.hpp"
#include "harness/machine/error.hpp"
#include "harness/mmu/shadow_tree.hpp"
#include "harness/mmu/vcpu_mmu.hpp"
#include "harness/mmu/zapper.hpp"
#include "harness/projection/projection.hpp"

namespace shadowwalk::projection {

/// One cell on the simulated machine: what harness/lab/cell_threads.cpp does with threads, with programs.
template <template <class> class Variant>
class SimulatedCell {
 public:
  SimulatedCell(const CellConfig& config, const coherence::Topology& topology)
      : config_(config),
        topology_(topology),
        workload_(load_workload(config.workload)),
        execution_(topology),
        start_(picoseconds(config.warmup)),
        end_(start_ + picoseconds(config.duration)),
        guest_(make_guest(guest_config(config, workload_))),
        ipis_(window_) {
    for (unsigned i = 0; i < config.vcpus; ++i) {
      execution_.add_cpu("vcpu-" + std::to_string(i), [this, i] { guarded([&] { run_vcpu(i); }); });
    }
    for (unsigned i = 0; i < config.zappers; ++i) {
      execution_.add_cpu("zapper-" + std::to_string(i), [this, i] { guarded([&] { run_zapper(i); }); });
    }
    machine_ = std::make_unique<CoherentMachine>(config.vcpus);
    machine_->set_rcu_options({.interval = picoseconds(config.rcu_interval.time), .observer = &grace_periods_});
    machine_->observe_ipis(&ipis_);
    window_.set(static_cast<std::uint64_t>(start_), static_cast<std::uint64_t>(end_));
    const PageBudget budget = page_budget(config, workload_);
    tree_ = std::make_unique<Tree>(*machine_, config.mmu_lock, window_, budget.capacity);
    tree_->set_quota(budget.quota);
    host_ = std::make_unique<HostActor<Tree>>(*tree_, window_, config.working_set);
    fill();
  }

  Projected run() {
    const auto began = std::chrono::steady_clock::now();
    execution_.run();
    host_->stop_waiting();
    SHADOWWALK_CHECK(host_->drain() == 0, "the variant's drain() left pages unfreed");
    if (!failure_.empty()) throw CellError(failure_);
    CellMeasurement& cell = projected_.cell;
    cell.workload_summary = workload_.summary;
    cell.duration_s = coherence::to_ns(end_ - start_) / 1e9;
    cell.interval_ns = coherence::to_ns(end_ - start_) / static_cast<double>(Footprint::kIntervals);
    cell.mmu = measured(host_->records());
    cell.ipis = ipis_.sent;
    cell.ipis_total = ipis_.total;
    cell.ipi_ns = ipis_.ns;
    cell.grace_periods = machine_->grace_periods();
    if (machine_->has_rcu()) cell.grace_period_times = grace_periods_.result();
    projected_.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return std::move(projected_);
  }

 private:
  using Picoseconds = coherence::Picoseconds;
  using Tree = ShadowTree<CoherentMachine, Variant, MeasuredGeometry>;
  using Mmu = VcpuMmu<Tree>;

  struct Ipis final : CoherentMachine::IpiObserver {
    explicit Ipis(const Window& window_in) : window(window_in) {}
    void on_ipis(std::size_t count, std::uint64_t ticks) override {
      total += count;
      if (!window.contains(CoherentMachine::now())) return;
      sent += count;
      ns.record(CoherentMachine::to_whole_ns(ticks));
    }
    const Window& window;
    std::uint64_t sent = 0;
    std::uint64_t total = 0;
    Histogram ns;
  };

  static constexpr unsigned kSamplePeriod = 61;  // of single walks: prime, as the lab's

  static Picoseconds picoseconds(std::chrono::nanoseconds time) { return Picoseconds{time.count()} * 1000; }

  coherence::Processor& cpu() const { return *coherence::Processor::running(); }
  bool over() const { return cpu().now() >= end_ || !failure_.empty(); }

  /// A program must not throw: the first that fails ends the cell.
  template <class Program>
  void guarded(Program program) {
    try {
      program();
    } catch (const std::exception& error) {
      if (failure_.empty()) failure_ = error.what();
    }
  }

  /// A guest that has been running: what it touches is mapped, and no storm of first faults is measured. Takes no time.
  void fill() {
    constexpr std::uint64_t kMostAccesses = 1 << 22;
    Mmu mmu(*tree_, *machine_->vcpus()[0], ReadDelay{}, config_.seed);
    const std::uint64_t wanted = std::min(kMostAccesses, 16 * config_.working_set);
    for (std::uint64_t touched = 0; touched < wanted;) {
      const std::span<const Access> accesses = guest_->vcpu(0).enter();
      for (const Access access : accesses) {
        if (!served(mmu, access)) fault(mmu, access);
      }
      touched += accesses.size();
    }
  }

  bool served(Mmu& mmu, Access access) const {
    if (access.kind() == AccessKind::page_table_write) return false;
    const LeafKind kind = leaf_kind(access.kind());
    const auto walked = config_.read_delay.on() ? mmu.template walk<true, true>(access.gfn(), kind)
                                                : mmu.template walk<false, false>(access.gfn(), kind);
    return walked == Mmu::Walked::served;
  }
  static void fault(Mmu& mmu, Access access) {
    if (access.kind() == AccessKind::page_table_write) return mmu.page_table_write(access.gfn());
    mmu.fault(access.gfn(), leaf_kind(access.kind()));
  }

  void run_vcpu(unsigned index) {
    CoherentMachine::Vcpu& vcpu = *machine_->vcpus()[index];
    GuestVcpu& guest = guest_->vcpu(index);
    Mmu mmu(*tree_, vcpu, config_.read_delay, config_.seed * 1024 + index);
    guarded([&] {
      while (!over()) {
        const std::span<const Access> accesses = run_guest(mmu, vcpu, guest);
        walk(mmu, accesses);
        if (window_.contains(CoherentMachine::now())) ++projected_.cell.exits;
        if (const std::uint64_t idle_us = guest.idle_us(); idle_us != 0) halt(mmu, idle_us);
      }
    });
    projected_.cell.counts += mmu.counts();
    if (projected_.cell.first_violation.empty()) projected_.cell.first_violation = mmu.first_violation();
  }

  /// Until the guest has made a burst of accesses, served requests between its runs.
  std::span<const Access> run_guest(Mmu& mmu, CoherentMachine::Vcpu& vcpu, GuestVcpu& guest) {
    const GuestCosts& cost = topology_.guest;
    Picoseconds left = cost.exit + cost.access * config_.walks_per_exit;
    while (left > 0 && !over()) {
      if ((vcpu.take_requests() & kRequestReloadRoot) != 0) mmu.reload_root();
      mmu.offline();
      if (vcpu.enter_guest_mode()) {
        const Picoseconds entered = cpu().now();
        cpu().sleep_until(entered + left, coherence::Processor::Wakes::by_interrupts_too);
        vcpu.leave_guest_mode();
        left -= cpu().now() - entered;
        if (left > 0) left += cost.exit;  // interrupted: it will be entered once more
      }
      mmu.online();
    }
    return guest.enter();
  }

  void walk(Mmu& mmu, std::span<const Access> accesses) {
    CellMeasurement& cell = projected_.cell;
    for (const Access access : accesses) {
      if (over()) return;
      const std::uint64_t start = CoherentMachine::now();
      const std::uint64_t transfers = cpu().transfers();
      const bool was_served = served(mmu, access);
      const std::uint64_t end = CoherentMachine::now();
      const bool counts = window_.contains(start) && window_.contains(end);
      ++projected_.simulated_walks;
      if (counts) {
        ++cell.walks;
        cell.walk_ns_total += CoherentMachine::to_ns(end - start);
        projected_.line_transfers += cpu().transfers() - transfers;
        if (projected_.simulated_walks % kSamplePeriod == 0)
          cell.walk_ns.record(CoherentMachine::to_whole_ns(end - start));
      }
      if (was_served) continue;
      fault(mmu, access);
      if (counts) cell.fault_ns.record(CoherentMachine::to_whole_ns(CoherentMachine::now() - end));
    }
  }

  void halt(Mmu& mmu, std::uint64_t idle_us) {
    mmu.offline();
    cpu().sleep_until(std::min(end_, cpu().now() + static_cast<Picoseconds>(idle_us) * 1'000'000));
    mmu.online();
  }

  void run_zapper(unsigned index) {
    ActionSchedule schedule(workload_.host);
    const double beat_ps = 1e12 / config_.zap_rate;
    CellMeasurement& cell = projected_.cell;
    for (std::uint64_t beat = index;; beat += config_.zappers) {
      const auto intended = static_cast<Picoseconds>(static_cast<double>(beat) * beat_ps);
      cpu().sleep_until(std::min(intended, end_));
      if (over()) return;
      const Picoseconds began = cpu().now();
      const Zapped zapped = host_->act(schedule.next());
      if (!zapped.empty()) ++cell.zaps_total;
      const auto end = static_cast<std::uint64_t>(cpu().now());
      if (window_.contains(end)) ++(zapped.empty() ? cell.zaps_empty : cell.zaps);
      if (zapped.empty()) continue;
      const auto record_from = [&](Histogram& histogram, Picoseconds start) {
        const auto from = static_cast<std::uint64_t>(start);
        if (window_.contains(from)) histogram.record(CoherentMachine::to_whole_ns(end - from));
      };
      record_from(cell.zap_ns, intended);
      record_from(cell.zap_service_ns, began);
    }
  }

  using GuestCosts = coherence::GuestCosts;

  const CellConfig& config_;
  const coherence::Topology& topology_;
  const Workload workload_;
  coherence::Execution execution_;
  const Picoseconds start_;
  const Picoseconds end_;
  Window window_;
  const std::unique_ptr<Guest> guest_;
  Ipis ipis_;
  GracePeriodRecord grace_periods_{window_, CoherentMachine::to_whole_ns};
  std::unique_ptr<CoherentMachine> machine_;
  std::unique_ptr<Tree> tree_;
  std::unique_ptr<HostActor<Tree>> host_;
  std::string failure_;
  Projected projected_;
};

/// The registration line of a variant that can be projected: `projected_variants().add(projected_variant<MyScheme>())`.
template <template <class> class Variant>
VariantEntry projected_variant() {
  return {.info = Variant<CoherentMachine>::kInfo,
          .project = [](const CellConfig& config, const coherence::Topology& topology) {
            check_projection(config, topology);
            return SimulatedCell<Variant>(config, topology).run();
          }};
}

}  // namespace shadowwalk::projection
