// The classic litmus tests: each memory model allows exactly the outcomes that it should.
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/exploration.hpp"

namespace shadowwalk::simulation {
namespace {

using test::explore;
using test::Program;
using testing::ElementsAre;
using testing::ElementsAreArray;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kRelease = std::memory_order_release;

/// Two shared variables, x and y, four registers, 0 at first.
struct Shared {
  Atomic<int> x{0};
  Atomic<int> y{0};
  std::array<int, 4> r{};
};
using Cpu = std::function<void(Shared&)>;

/// Its outcome: the first `registers` registers.
class Litmus final : public Program {
 public:
  Litmus(std::vector<Cpu> cpus, std::size_t registers) : cpus_(std::move(cpus)), registers_(registers) {}
  void start(Execution& execution) override {
    for (const Cpu& cpu : cpus_) execution.add_cpu("cpu", [this, &cpu] { cpu(shared_); });
  }
  std::string outcome() const override {
    std::string text;
    for (std::size_t i = 0; i < registers_; ++i) text += std::to_string(shared_.r[i]);
    return text;
  }

 private:
  const std::vector<Cpu> cpus_;
  const std::size_t registers_;
  Shared shared_;
};

std::set<std::string> outcomes(MemoryModel model, const std::vector<Cpu>& cpus, std::size_t registers) {
  const auto make = [&] { return std::make_unique<Litmus>(cpus, registers); };
  return explore(model, make).outcomes;
}

const std::vector<std::string> kAllOfTwo = {"00", "01", "10", "11"};

TEST(Litmus, StoreBufferingIsSeenWithStoreBuffersAndNoFences) {
  const std::vector<Cpu> cpus = {[](Shared& s) { s.x.store(1, kRelaxed), s.r[0] = s.y.load(); },
                                 [](Shared& s) { s.y.store(1, kRelaxed), s.r[1] = s.x.load(); }};
  EXPECT_THAT(outcomes(MemoryModel::sc, cpus, 2), ElementsAre("01", "10", "11"));
  EXPECT_THAT(outcomes(MemoryModel::tso, cpus, 2), ElementsAreArray(kAllOfTwo));
  EXPECT_THAT(outcomes(MemoryModel::pso, cpus, 2), ElementsAreArray(kAllOfTwo));
}

TEST(Litmus, ReleaseStoresDoNotForbidStoreBuffering) {
  const std::vector<Cpu> cpus = {[](Shared& s) { s.x.store(1, kRelease), s.r[0] = s.y.load(); },
                                 [](Shared& s) { s.y.store(1, kRelease), s.r[1] = s.x.load(); }};
  EXPECT_THAT(outcomes(MemoryModel::tso, cpus, 2), ElementsAreArray(kAllOfTwo));
}

TEST(Litmus, AFenceOnBothSidesForbidsStoreBuffering) {
  const auto fence = [] { Execution::current().fence(); };
  const Cpu x_then_y = [&](Shared& s) { s.x.store(1, kRelaxed), fence(), s.r[0] = s.y.load(); };
  const Cpu y_then_x = [&](Shared& s) { s.y.store(1, kRelaxed), fence(), s.r[1] = s.x.load(); };
  const Cpu unfenced = [](Shared& s) { s.y.store(1, kRelaxed), s.r[1] = s.x.load(); };
  for (const MemoryModel model : {MemoryModel::tso, MemoryModel::pso}) {
    EXPECT_THAT(outcomes(model, {x_then_y, y_then_x}, 2), ElementsAre("01", "10", "11"));
    EXPECT_THAT(outcomes(model, {x_then_y, unfenced}, 2), ElementsAreArray(kAllOfTwo)) << "one is not enough";
  }
}

TEST(Litmus, ALockedOperationIsAFence) {
  const std::vector<Cpu> cpus = {[](Shared& s) { s.x.exchange(1), s.r[0] = s.y.load(); },
                                 [](Shared& s) { s.y.store(1), s.r[1] = s.x.load(); }};
  EXPECT_THAT(outcomes(MemoryModel::tso, cpus, 2), ElementsAre("01", "10", "11"));
}

TEST(Litmus, MessagePassingNeedsAReleaseOnlyWhereStoresAreReordered) {
  const Cpu receive = [](Shared& s) { s.r[0] = s.y.load(), s.r[1] = s.x.load(); };
  const Cpu send_relaxed = [](Shared& s) { s.x.store(1, kRelaxed), s.y.store(1, kRelaxed); };
  const Cpu send_release = [](Shared& s) { s.x.store(1, kRelaxed), s.y.store(1, kRelease); };
  EXPECT_THAT(outcomes(MemoryModel::sc, {send_relaxed, receive}, 2), ElementsAre("00", "01", "11"));
  EXPECT_THAT(outcomes(MemoryModel::tso, {send_relaxed, receive}, 2), ElementsAre("00", "01", "11"));
  EXPECT_THAT(outcomes(MemoryModel::pso, {send_relaxed, receive}, 2), ElementsAreArray(kAllOfTwo));
  EXPECT_THAT(outcomes(MemoryModel::pso, {send_release, receive}, 2), ElementsAre("00", "01", "11"));
}

TEST(Litmus, MessagePassingWithFencesIsSeenInOrder) {
  const auto fence = [] { Execution::current().fence(); };
  const Cpu send = [&](Shared& s) { s.x.store(1, kRelaxed), fence(), s.y.store(1, kRelaxed); };
  const Cpu receive = [&](Shared& s) { s.r[0] = s.y.load(), fence(), s.r[1] = s.x.load(); };
  for (const MemoryModel model : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
    EXPECT_THAT(outcomes(model, {send, receive}, 2), ElementsAre("00", "01", "11"));
  }
}

TEST(Litmus, FencesChangeNothingWhereLoadsAreNotDelayedAnyhow) {
  const auto fence = [] { Execution::current().fence(); };
  const std::vector<Cpu> buffering = {[&](Shared& s) { s.r[0] = s.x.load(), fence(), s.y.store(1, kRelaxed); },
                                      [&](Shared& s) { s.r[1] = s.y.load(), fence(), s.x.store(1, kRelaxed); }};
  const std::vector<Cpu> independent = {[](Shared& s) { s.x.store(1, kRelaxed); },
                                        [](Shared& s) { s.y.store(1, kRelaxed); },
                                        [&](Shared& s) { s.r[0] = s.x.load(), fence(), s.r[1] = s.y.load(); },
                                        [&](Shared& s) { s.r[2] = s.y.load(), fence(), s.r[3] = s.x.load(); }};
  for (const MemoryModel model : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
    EXPECT_THAT(outcomes(model, buffering, 2), ElementsAre("00", "01", "10"));
    const auto seen = outcomes(model, independent, 4);
    EXPECT_EQ(seen.size(), 15u);
    EXPECT_FALSE(seen.contains("1010"));
  }
}

TEST(Litmus, LoadsAreNotDelayedPastLaterStores) {
  const std::vector<Cpu> cpus = {[](Shared& s) { s.r[0] = s.x.load(), s.y.store(1, kRelaxed); },
                                 [](Shared& s) { s.r[1] = s.y.load(), s.x.store(1, kRelaxed); }};
  for (const MemoryModel model : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
    EXPECT_THAT(outcomes(model, cpus, 2), ElementsAre("00", "01", "10"));
  }
}

TEST(Litmus, ReadersAgreeOnTheOrderOfIndependentWrites) {
  const std::vector<Cpu> cpus = {[](Shared& s) { s.x.store(1, kRelaxed); }, [](Shared& s) { s.y.store(1, kRelaxed); },
                                 [](Shared& s) { s.r[0] = s.x.load(), s.r[1] = s.y.load(); },
                                 [](Shared& s) { s.r[2] = s.y.load(), s.r[3] = s.x.load(); }};
  for (const MemoryModel model : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
    const auto seen = outcomes(model, cpus, 4);
    EXPECT_EQ(seen.size(), 15u);
    EXPECT_FALSE(seen.contains("1010")) << "each saw its first write before the other's";
  }
}

TEST(Litmus, ACpuSeesItsOwnStoresBeforeOthersDo) {
  const std::vector<Cpu> cpus = {[](Shared& s) { s.x.store(1, kRelaxed), s.r[0] = s.x.load(), s.r[1] = s.y.load(); },
                                 [](Shared& s) { s.y.store(1, kRelaxed), s.r[2] = s.y.load(), s.r[3] = s.x.load(); }};
  EXPECT_THAT(outcomes(MemoryModel::sc, cpus, 4), ElementsAre("1011", "1110", "1111"));
  EXPECT_THAT(outcomes(MemoryModel::tso, cpus, 4), ElementsAre("1010", "1011", "1110", "1111"));
}

TEST(Litmus, AdditionsAreNotLost) {
  const Cpu add = [](Shared& s) { s.x.fetch_add(1), s.x.fetch_add(1); };
  const Cpu add_and_look = [](Shared& s) { s.x.fetch_add(1), s.r[0] = s.x.load(); };
  EXPECT_THAT(outcomes(MemoryModel::tso, {add, add_and_look}, 1), ElementsAre("1", "2", "3"));
}

TEST(Litmus, ClearedBitsTakeNoOthersAlong) {
  const std::vector<Cpu> cpus = {[](Shared& s) { s.x.fetch_or(6), s.r[0] = s.x.fetch_and(~2), s.r[1] = s.x.load(); },
                                 [](Shared& s) { s.x.fetch_or(1); }};
  EXPECT_THAT(outcomes(MemoryModel::tso, cpus, 2), ElementsAre("64", "65", "75"));
}

TEST(Litmus, ALoopThatWaitsGoesOnWhenWhatItLookedAtChanges) {
  const std::vector<Cpu> cpus = {[](Shared& s) { s.y.store(7, kRelaxed), s.x.store(1, kRelease); },
                                 [](Shared& s) {
                                   while (s.x.load() == 0) Execution::current().wait_for_change();
                                   s.r[0] = s.y.load();
                                 }};
  for (const MemoryModel model : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
    EXPECT_THAT(outcomes(model, cpus, 1), ElementsAre("7"));
  }
}

TEST(Litmus, ALoopThatWaitsForNobodyIsADeadlock) {
  const std::vector<Cpu> cpus = {[](Shared& s) { s.y.store(1, kRelaxed); },
                                 [](Shared& s) {
                                   while (s.x.load() == 0) Execution::current().wait_for_change();
                                 }};
  EXPECT_THAT(outcomes(MemoryModel::tso, cpus, 0), ElementsAre("deadlock"));
}

}  // namespace
}  // namespace shadowwalk::simulation
