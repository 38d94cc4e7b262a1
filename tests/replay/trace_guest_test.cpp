#include "harness/replay/trace_guest.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "harness/machine/cycle_clock.hpp"
#include "tests/replay/replay_fixture.hpp"

namespace shadowwalk::replay {
namespace {

using test::kHostThread;
using test::TraceEvent;
using test::TraceFile;
using test::TraceKind;

void kick(GuestVcpu& vcpu) { std::atomic_ref(vcpu.immediate_exit()).store(1); }
void clear_kick(GuestVcpu& vcpu) { std::atomic_ref(vcpu.immediate_exit()).store(0); }

/// A guest with its feeder's thread.
class Running {
 public:
  Running(const std::vector<TraceEvent>& events, TraceGuest::Config config)
      : file_(events), guest(with_file(config), window), thread_([this] { guest.feeder().run(); }) {}
  ~Running() {
    guest.feeder().stop();
    thread_.join();
  }

 private:
  TraceGuest::Config with_file(TraceGuest::Config config) const {
    config.file = file_.path();
    return config;
  }
  TraceFile file_;

 public:
  Window window;
  TraceGuest guest;

 private:
  std::thread thread_;
};

const std::vector<TraceEvent> kEvents = {
    {0, 0, TraceKind::read_fault, 10, 1},   {1000, 0, TraceKind::write_fault, 11, 1},
    {2000, 0, TraceKind::guest_walk, 5, 1}, {3000, 0, TraceKind::mmio_fault, 12, 1},
    {4000, 0, TraceKind::zap_page, 0, 512}, {5000, 0, TraceKind::zap_leaf, 600, 1},
    {6000, 0, TraceKind::fast_fault, 13, 1}};

/// The vCPU's accesses and zaps, in order, until there are `count`: "r10", "zap".
std::vector<std::string> first_of(ReplayVcpu& vcpu, std::size_t count, std::size_t most_at_once) {
  std::vector<std::string> all;
  while (all.size() < count) {
    const auto accesses = vcpu.enter();
    EXPECT_LE(accesses.size(), most_at_once);
    for (const Access access : accesses) {
      all.push_back("rwmt"[static_cast<int>(access.kind())] + std::to_string(access.gfn()));
    }
    if (const FedEvent* zap = vcpu.due_zap()) {
      all.emplace_back(kind_name(zap->event.kind));
      vcpu.zap_done(CycleClock::now());
    }
  }
  all.resize(count);
  return all;
}

const std::vector<std::string> kTwoPasses = {"r10", "w11", "m12", "zap_page", "zap_leaf",
                                             "w13", "r10", "w11", "m12",      "zap_page"};

TEST(ReplayVcpu, DoesItsEventsInOrderInAClosedLoop) {
  Running running(kEvents, {.burst = 2, .pace = {.closed_loop = true}});
  running.guest.clock().start(CycleClock::now());
  EXPECT_EQ(first_of(running.guest.vcpu(0), kTwoPasses.size(), 2), kTwoPasses);
  EXPECT_GE(running.guest.vcpu(0).counts().events_total, kTwoPasses.size());
}

TEST(ReplayVcpu, DoesItsEventsInOrderAtTheirPace) {
  Running running(kEvents, {.burst = 1024});
  const std::uint64_t start = CycleClock::now();
  running.guest.clock().start(start);
  EXPECT_EQ(first_of(running.guest.vcpu(0), kTwoPasses.size(), 1024), kTwoPasses);
  // The tenth: 4 us into the second pass, which begins 7 us after the first.
  EXPECT_GE(CycleClock::now(), start + CycleClock::from_ns(11'000)) << "never before its time";
}

TEST(ReplayVcpu, EventsAreNotDoneBeforeTheirTime) {
  Running running(kEvents, {.burst = 1024});
  ReplayVcpu& vcpu = running.guest.vcpu(0);
  const std::uint64_t start = CycleClock::now() + CycleClock::from_ns(2e6);
  running.guest.clock().start(start);
  const auto accesses = vcpu.enter();
  ASSERT_FALSE(accesses.empty()) << "it came back for nothing";
  EXPECT_EQ(accesses.front().gfn(), 10u);
  EXPECT_GE(CycleClock::now(), start);
  running.window.set(0, CycleClock::now() + CycleClock::from_ns(1e12));
  first_of(vcpu, 5, 1024);
  EXPECT_GT(vcpu.counts().lag_ns.count(), 0u);
}

TEST(ReplayVcpu, AKickEndsAWaitForATimeThatDoesNotCome) {
  std::vector<TraceEvent> events = kEvents;
  events.push_back({3'600'000'000'000, 0, TraceKind::read_fault, 14, 1});  // an hour later
  Running running(events, {.burst = 1024});
  running.guest.clock().start(CycleClock::now());
  ReplayVcpu& vcpu = running.guest.vcpu(0);
  first_of(vcpu, 6, 1024);
  std::thread kicker([&] { kick(vcpu); });
  EXPECT_TRUE(vcpu.enter().empty());
  EXPECT_EQ(vcpu.due_zap(), nullptr);
  EXPECT_TRUE(vcpu.enter().empty()) << "as long as the byte is set";
  kicker.join();
}

TEST(ReplayVcpu, AKickEndsAWaitForAStartThatDoesNotCome) {
  Running running(kEvents, {.burst = 1024, .pace = {.closed_loop = true}});
  ReplayVcpu& vcpu = running.guest.vcpu(0);
  std::thread kicker([&] { kick(vcpu); });
  EXPECT_TRUE(vcpu.enter().empty());
  EXPECT_EQ(vcpu.due_zap(), nullptr) << "not started";
  kicker.join();
  running.guest.clock().start(CycleClock::now());
  clear_kick(vcpu);
  EXPECT_EQ(first_of(vcpu, 3, 1024), (std::vector<std::string>{"r10", "w11", "m12"})) << "nothing was lost";
}

TEST(TraceGuest, HasNoKvmToTellOf) {
  Running running(kEvents, {});
  EXPECT_NE(running.guest.statistics().unavailable, "");
  EXPECT_EQ(running.guest.vcpu(0).idle_us(), 0u);
}

}  // namespace
}  // namespace shadowwalk::replay
