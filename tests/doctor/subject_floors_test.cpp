#include "harness/doctor/finding.hpp"
#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::doctor {
namespace {

using test::find;
using testing::HasSubstr;

class FloorsSubjectTest : public test::DoctorTest {
 protected:
  Finding about(std::string_view subject) const { return find(examine_floors(fake_.host()), subject); }
  host::HostFacts& facts() { return fake_.facts; }
  void lose_grace_period(const std::string& why) {
    facts().floors.membarrier_global_ns_p50 = facts().floors.membarrier_global_ns_p99 = std::nullopt;
    facts().floors.unavailable["membarrier_global_ns_p50"] = why;
  }
};

TEST_F(FloorsSubjectTest, TickAndPreemption) {
  EXPECT_EQ(about("hz").value, "250 ticks per second");
  EXPECT_THAT(about("hz").meaning, HasSubstr("4.00 ms"));
  EXPECT_EQ(about("preemption").value, "voluntary (by preempt= at boot)");
  facts().kernel.hz = std::nullopt;
  facts().kernel.preemption = "";
  facts().kernel.unavailable = {{"hz", "no tick"}, {"preemption", "no source"}};
  EXPECT_EQ(about("hz").state, State::note);
  EXPECT_EQ(about("hz").meaning, "no tick");
  EXPECT_EQ(about("preemption").meaning, "no source");
}

TEST_F(FloorsSubjectTest, TheGracePeriodIsThatOfCallRcu) {
  EXPECT_EQ(about("grace_period").state, State::ok);
  EXPECT_THAT(about("grace_period").value, HasSubstr("p50 5.85 ms, p99 9.90 ms"));
}

TEST_F(FloorsSubjectTest, AnExpeditedOrLazyOneIsNot) {
  facts().kernel.rcu_expedited = true;
  EXPECT_EQ(about("grace_period").state, State::note);
  EXPECT_THAT(about("grace_period").meaning, HasSubstr("unlike call_rcu()'s: rcu_expedited"));
  EXPECT_EQ(about("grace_period").mend.command, "echo 0 > /sys/kernel/rcu_expedited");
  facts().kernel.rcu_normal = true;
  EXPECT_EQ(about("grace_period").state, State::ok) << "which overrides it";
  facts().kernel.has_lazy_callbacks = true;
  EXPECT_THAT(about("grace_period").meaning, HasSubstr("unlike call_rcu()'s: lazy callbacks"));
}

TEST_F(FloorsSubjectTest, WhyThereIsNoGracePeriod) {
  lose_grace_period("membarrier: Operation not permitted");
  EXPECT_EQ(about("grace_period").state, State::lack);
  EXPECT_EQ(about("grace_period").value, "membarrier: Operation not permitted");
  EXPECT_THAT(about("grace_period").mend.advice, HasSubstr("seccomp"));
  lose_grace_period("membarrier: GLOBAL waits for nothing with one CPU online");
  EXPECT_THAT(about("grace_period").mend.advice, HasSubstr("more CPUs"));
  facts().kernel.nohz_full = "2-3";
  lose_grace_period("membarrier: no GLOBAL, as on kernels that run with nohz_full");
  EXPECT_EQ(about("grace_period").mend.advice, "boot without nohz_full= to measure it");
}

TEST_F(FloorsSubjectTest, Primitives) {
  EXPECT_EQ(about("primitives").state, State::ok);
  EXPECT_EQ(about("primitives").value, "xchg 5.7 ns, mfence 23.1 ns, line transfer 50.0 ns, signal as IPI 1.90 us");
  facts().floors.line_transfer_ns = facts().floors.signal_ipi_ns = std::nullopt;
  facts().floors.unavailable = {{"line_transfer_ns", "only one CPU"}, {"signal_ipi_ns", "only one CPU"}};
  EXPECT_EQ(about("primitives").value, "xchg 5.7 ns, mfence 23.1 ns");
  EXPECT_EQ(about("primitives").meaning, "line transfer: only one CPU; signal as IPI: only one CPU");
  facts().floors = {};
  EXPECT_EQ(about("primitives").value, "none could be measured");
}

}  // namespace
}  // namespace shadowwalk::doctor
