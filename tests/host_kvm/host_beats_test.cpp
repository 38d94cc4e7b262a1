#include "harness/host_kvm/host_beats.hpp"

#include <vector>

#include "tests/host_kvm/touch_fixture.hpp"

namespace shadowwalk::host_kvm {
namespace {

using Kind = HostAction::Kind;
using testing::ElementsAre;

class Beats : public testing::Test {
 protected:
  void SetUp() override { SHADOWWALK_NEED_KVM(); }
};

TEST_F(Beats, RangesGoFromTheFrontToTheBackAndAgain) {
  HostPlan plan;
  plan.actions = {{.kind = Kind::invalidate, .pages = 100}};
  plan.touch = test::touch_config(250, 4096, 1, 100);
  plan.touch.coverage = coverage_of(plan);
  TouchVm vm(plan.touch);
  HostBeats beats(vm, plan);
  test::run_bursts(vm.vcpu(0), 2);  // a page is missed by a chance of 250 * (249/250)^8192
  std::vector<std::uint64_t> pages, empty;
  for (int i = 0; i < 3; ++i) {
    pages.push_back(beats.next().pages);
    std::uint64_t nothing = 0;
    for (std::uint64_t page = 0; page < 250; ++page) nothing += test::stored_in(vm, page) == 0 ? 1 : 0;
    empty.push_back(nothing);
  }
  EXPECT_THAT(pages, ElementsAre(100, 100, 50));
  EXPECT_THAT(empty, ElementsAre(100, 200, 250)) << "ranges that overlap would leave pages behind";
  EXPECT_EQ(beats.next().pages, 100u);
}

TEST_F(Beats, ActionsTakeTurnsByTheirWeights) {
  HostPlan plan;
  plan.actions = {{.kind = Kind::zap_everything, .weight = 1}, {.kind = Kind::write_protect, .weight = 2, .pages = 64}};
  plan.touch = test::touch_config(64, 1000);
  plan.touch.log_dirty_pages = true;
  plan.touch.coverage = coverage_of(plan);
  TouchVm vm(plan.touch);
  HostBeats beats(vm, plan);
  int flips = 0;
  std::uint64_t dirty = 0;
  for (int i = 0; i < 9; ++i) {
    test::run_bursts(vm.vcpu(0), 1);
    const HostBeats::Beat beat = beats.next();
    EXPECT_GE(beat.ended, beat.began);
    flips += beat.kind == Kind::zap_everything ? 1 : 0;
    if (beat.kind == Kind::write_protect) dirty += beat.pages;
  }
  EXPECT_EQ(flips, 3);
  EXPECT_GT(dirty, 0u);
}

// A page that a round found is protected by it: to be found again, somebody has to make it writable again.
TEST_F(Beats, PagesAreDirtyAgainOnlyAfterAnotherStore) {
  HostPlan plan;
  plan.actions = {{.kind = Kind::write_protect, .pages = 64}};
  plan.touch = test::touch_config(40, 4096, 1, 100);
  plan.touch.log_dirty_pages = true;
  plan.touch.coverage = coverage_of(plan);
  TouchVm vm(plan.touch);
  HostBeats beats(vm, plan);
  test::run_bursts(vm.vcpu(0), 1);  // a page is missed by a chance of 40 * (39/40)^4096
  const HostBeats::Beat first = beats.next();
  EXPECT_EQ(first.pages, 40u);
  EXPECT_EQ(first.dirty_again, 0u);
  const HostBeats::Beat quiet = beats.next();
  EXPECT_EQ(quiet.dirty_again, 0u);
  test::run_bursts(vm.vcpu(0), 1);
  EXPECT_EQ(beats.next().dirty_again, 40u);
}

}  // namespace
}  // namespace shadowwalk::host_kvm
