#include "harness/coherence/machine.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "four_cpus.hpp"

namespace shadowwalk {
namespace {

using coherence::Execution;
using coherence::Picoseconds;
using coherence::Processor;
using coherence::Topology;

Processor& cpu() { return *Processor::running(); }

TEST(CoherentMachine, MmuLockExcludesAndIsFair) {
  const Topology topology = coherence::four_cpus();
  Execution execution(topology);
  CoherentMachine::MmuLock lock;
  int inside = 0;
  std::vector<unsigned> order;
  for (unsigned i = 0; i < 4; ++i) {
    execution.add_cpu("cpu", [&, i] {
      for (int n = 0; n < 100; ++n) {
        lock.lock();
        ASSERT_EQ(++inside, 1);
        order.push_back(i);
        cpu().work(10'000'000);
        ASSERT_EQ(--inside, 0);
        lock.unlock();
      }
    });
  }
  execution.run();
  ASSERT_EQ(order.size(), 400u);
  for (std::size_t i = 8; i + 4 < 396; ++i) EXPECT_NE(order[i], order[i + 1]) << "nobody comes twice while others wait";
}

TEST(CoherentMachine, AnIpiWaitsForAGate) {
  const Topology topology = coherence::four_cpus();
  Execution execution(topology);
  std::unique_ptr<CoherentMachine> machine;
  Picoseconds opened = 0;
  Picoseconds flushed = 0;
  execution.add_cpu("vcpu-0", [&] {
    auto& vcpu = *machine->vcpus()[0];
    vcpu.irq_disable();
    vcpu.mode.exchange(VcpuMode::reading_shadow_page_tables);
    cpu().work(20'000'000);
    vcpu.mode.store(VcpuMode::outside_guest, std::memory_order_release);
    opened = cpu().now();
    vcpu.irq_enable();
  });
  execution.add_cpu("zapper-0", [&] {
    cpu().work(1'000'000);
    machine->flush_remote_tlbs();
    flushed = cpu().now();
  });
  machine = std::make_unique<CoherentMachine>(1);
  execution.run();
  EXPECT_GE(flushed, opened + topology.interrupt.handle);
}

TEST(CoherentMachine, AFlushInterruptsNobodyOutside) {
  const Topology topology = coherence::four_cpus();
  Execution execution(topology);
  std::unique_ptr<CoherentMachine> machine;
  Picoseconds took = 0;
  execution.add_cpu("vcpu-0", [&] { cpu().work(20'000'000); });
  execution.add_cpu("zapper-0", [&] {
    machine->flush_remote_tlbs();
    took = cpu().now();
  });
  machine = std::make_unique<CoherentMachine>(1);
  execution.run();
  EXPECT_LT(took, topology.interrupt.deliver);
}

TEST(CoherentMachine, AnIpiEndsAGuestsRun) {
  const Topology topology = coherence::four_cpus();
  Execution execution(topology);
  std::unique_ptr<CoherentMachine> machine;
  Picoseconds left = 0;
  execution.add_cpu("vcpu-0", [&] {
    auto& vcpu = *machine->vcpus()[0];
    ASSERT_TRUE(vcpu.enter_guest_mode());
    cpu().sleep_until(1'000'000'000, Processor::Wakes::by_interrupts_too);
    left = cpu().now();
    vcpu.leave_guest_mode();
    EXPECT_EQ(vcpu.take_requests(), kRequestTlbFlush);
  });
  execution.add_cpu("zapper-0", [&] {
    cpu().work(5'000'000);
    machine->flush_remote_tlbs();
  });
  machine = std::make_unique<CoherentMachine>(1);
  execution.run();
  EXPECT_LT(left, 10'000'000);
  EXPECT_GT(left, 5'000'000 + topology.interrupt.deliver);
}

TEST(CoherentMachine, ACallbackRunsAfterTheSectionsThatWereOpen) {
  const Topology topology = coherence::four_cpus();
  Execution execution(topology);
  std::unique_ptr<CoherentMachine> machine;
  Picoseconds section_ended = 0;
  struct Freed : RcuHead {
    Picoseconds at = 0;
  } freed;
  execution.add_cpu("vcpu-0", [&] {
    CoherentMachine::Rcu::read_lock();
    cpu().work(50'000'000);
    section_ended = cpu().now();
    CoherentMachine::Rcu::read_unlock();
  });
  execution.add_cpu("zapper-0", [&] {
    cpu().work(1'000'000);
    machine->rcu().call(
        freed, [](RcuHead* head, void*) { static_cast<Freed*>(head)->at = cpu().now(); }, nullptr);
  });
  struct Observer final : GracePeriodObserver {
    void on_grace_period(std::uint64_t at, std::uint64_t until) override {
      began = at;
      ended = until;
    }
    std::uint64_t began = 0;
    std::uint64_t ended = 0;
  } observer;
  machine = std::make_unique<CoherentMachine>(1);
  machine->set_rcu_options({.observer = &observer});
  machine->rcu();
  execution.run();
  EXPECT_GT(freed.at, section_ended);
  EXPECT_EQ(machine->grace_periods(), 1u);
  EXPECT_LT(observer.began, static_cast<std::uint64_t>(section_ended));
  EXPECT_GT(observer.ended, static_cast<std::uint64_t>(section_ended));
  EXPECT_LE(observer.ended, static_cast<std::uint64_t>(freed.at));
}

TEST(CoherentMachine, GracePeriodsBeginAtMultiplesOfTheInterval) {
  const Topology topology = coherence::four_cpus();
  Execution execution(topology);
  std::unique_ptr<CoherentMachine> machine;
  struct Freed : RcuHead {
    Picoseconds at = 0;
  } freed;
  execution.add_cpu("vcpu-0", [&] {
    machine->rcu().call(
        freed, [](RcuHead* head, void*) { static_cast<Freed*>(head)->at = cpu().now(); }, nullptr);
  });
  machine = std::make_unique<CoherentMachine>(1);
  machine->set_rcu_options({.interval = 100'000'000});
  machine->rcu();
  execution.run();
  EXPECT_GT(freed.at, 100'000'000);
  EXPECT_LT(freed.at, 110'000'000);
}

}  // namespace
}  // namespace shadowwalk
