#include "harness/host/kernel_facts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/os/fake_files.hpp"

namespace shadowwalk::host {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class KernelFactsTest : public testing::Test {
 protected:
  KernelFacts facts() const { return kernel_facts(fake_.files(), answers_); }
  std::string preemption_with(const std::string& version) {
    answers_.version = version;
    return facts().preemption;
  }
  void configure(const std::string& text) { fake_.write("/boot/config-6.1.0-x", text); }

  os::test::FakeFiles fake_;
  KernelAnswers answers_{.release = "6.1.0-x", .version = "#1 SMP PREEMPT_DYNAMIC", .coarse_resolution_ns = 4'000'000};
};

TEST_F(KernelFactsTest, TheTickIsThatOfTheCoarseClock) {
  for (const auto& [ns, hz] :
       {std::pair(10'000'000u, 100u), {4'000'000u, 250u}, {3'333'333u, 300u}, {976'563u, 1024u}, {1'000'000u, 1000u}}) {
    answers_.coarse_resolution_ns = ns;
    EXPECT_EQ(facts().hz, hz);
  }
  configure("CONFIG_HZ=100\n");
  EXPECT_EQ(facts().hz, 1000u) << "the running kernel knows better than a file";
}

TEST_F(KernelFactsTest, AClockThatIsNoTicksLeavesItToTheConfiguration) {
  for (const std::uint64_t ns : {0u, 1u, 2'000'000'000u}) {
    answers_.coarse_resolution_ns = ns;
    EXPECT_EQ(facts().hz, std::nullopt);
    EXPECT_THAT(facts().unavailable.at("hz"), HasSubstr("/proc/config.gz"));
  }
  for (const char* odd : {"CONFIG_HZ=\n", "CONFIG_HZ=many\n", "CONFIG_HZ=0\n", "CONFIG_HZ=1e3\n"}) {
    configure(odd);
    EXPECT_EQ(facts().hz, std::nullopt) << odd;
  }
  configure("CONFIG_HZ=300\n");
  EXPECT_EQ(facts().hz, 300u);
  EXPECT_FALSE(facts().unavailable.contains("hz"));
}

TEST_F(KernelFactsTest, PreemptionOfTheVersion) {
  EXPECT_EQ(preemption_with("#1 SMP PREEMPT_RT Debian"), "rt");
  EXPECT_EQ(preemption_with("#1 SMP PREEMPT Mon"), "full");
  EXPECT_EQ(preemption_with("#1 SMP PREEMPT_LAZY Mon"), "lazy");
  EXPECT_EQ(preemption_with("#1 SMP Debian 5.10"), "") << "none or voluntary";
  EXPECT_THAT(facts().unavailable.at("preemption"), HasSubstr("/boot/config-*"));
  configure("CONFIG_PREEMPT_VOLUNTARY=y\n# CONFIG_PREEMPT_NONE is not set\n");
  EXPECT_EQ(preemption_with("#1 SMP Debian 5.10"), "voluntary");
  EXPECT_EQ(facts().preemption_source, "/boot/config-6.1.0-x");
}

TEST_F(KernelFactsTest, DynamicPreemptionIsThatOfTheRunningKernel) {
  EXPECT_EQ(facts().preemption, "");
  configure("CONFIG_PREEMPT_NONE=y\nCONFIG_PREEMPT_BUILD=y\nCONFIG_PREEMPT_DYNAMIC=y\n");
  EXPECT_EQ(facts().preemption, "none") << "its default";
  fake_.write("/proc/cmdline", "quiet preempt=full preempt=voluntary root=/dev/vda -- preempt=none\n");
  EXPECT_EQ(facts().preemption, "voluntary") << "the last one before those of init";
  fake_.write("/sys/kernel/debug/sched/preempt", "none voluntary full (lazy)\n");
  EXPECT_EQ(facts().preemption, "lazy");
  EXPECT_EQ(facts().preemption_source, "/sys/kernel/debug/sched/preempt");
  for (const char* odd : {"none voluntary\n", "(\n", ")(", ""}) {
    fake_.write("/sys/kernel/debug/sched/preempt", odd);
    EXPECT_EQ(facts().preemption, "voluntary") << odd;
  }
}

TEST_F(KernelFactsTest, WithoutDynamicPreemptionThatParameterMeansNothing) {
  fake_.write("/proc/cmdline", "preempt=none\n");
  EXPECT_EQ(preemption_with("#1 SMP PREEMPT Mon"), "full");
}

TEST_F(KernelFactsTest, EachModelOfAConfiguration) {
  for (const auto& [option, model] : {std::pair("CONFIG_PREEMPT_NONE", "none"),
                                      {"CONFIG_PREEMPT_VOLUNTARY", "voluntary"},
                                      {"CONFIG_PREEMPT_LAZY", "lazy"},
                                      {"CONFIG_PREEMPT", "full"},
                                      {"CONFIG_PREEMPT_RT", "rt"}}) {
    configure(std::string(option) + "=y\n");
    EXPECT_EQ(facts().preemption, model);
  }
  configure("CONFIG_SMP=y\n");
  EXPECT_EQ(facts().preemption, "");
  EXPECT_THAT(facts().unavailable.at("preemption"), HasSubstr("/boot/config-6.1.0-x has none"));
}

TEST_F(KernelFactsTest, ExpeditedUnlessNormalOverridesIt) {
  EXPECT_EQ(facts().rcu_expedited, std::nullopt);
  EXPECT_FALSE(facts().is_expedited());
  EXPECT_TRUE(facts().unavailable.contains("rcu_expedited"));
  fake_.write("/sys/kernel/rcu_expedited", "0\n");
  fake_.write("/sys/kernel/rcu_normal", "0\n");
  EXPECT_EQ(facts().rcu_expedited, false);
  fake_.write("/sys/kernel/rcu_expedited", "1\n");
  EXPECT_TRUE(facts().is_expedited());
  fake_.write("/sys/kernel/rcu_normal", "1\n");
  EXPECT_EQ(facts().rcu_expedited, true);
  EXPECT_FALSE(facts().is_expedited());
}

TEST_F(KernelFactsTest, CpusWithoutTicks) {
  EXPECT_EQ(facts().nohz_full, "");
  fake_.write("/sys/devices/system/cpu/nohz_full", "(null)\n");
  EXPECT_EQ(facts().nohz_full, "");
  fake_.write("/sys/devices/system/cpu/nohz_full", "2-7\n");
  EXPECT_EQ(facts().nohz_full, "2-7");
}

TEST_F(KernelFactsTest, LazyCallbacks) {
  EXPECT_FALSE(facts().has_lazy_callbacks);
  fake_.write("/sys/module/rcutree/parameters/enable_rcu_lazy", "N\n");
  EXPECT_FALSE(facts().has_lazy_callbacks);
  fake_.write("/sys/module/rcutree/parameters/enable_rcu_lazy", "Y\n");
  EXPECT_FALSE(facts().has_lazy_callbacks) << "no CPU's callbacks are offloaded";
  for (const char* parameters : {"rcu_nocbs=all", "quiet rcu_nocbs", "nohz_full=1-3"}) {
    fake_.write("/proc/cmdline", parameters);
    EXPECT_TRUE(facts().has_lazy_callbacks) << parameters;
  }
  fake_.write("/proc/cmdline", "rcu_nocb_poll\n");
  EXPECT_FALSE(facts().has_lazy_callbacks);
  configure("CONFIG_RCU_NOCB_CPU_DEFAULT_ALL=y\n");
  EXPECT_TRUE(facts().has_lazy_callbacks);
}

TEST(AskKernel, HasARelease) {
  EXPECT_THAT(ask_kernel().release, Not(IsEmpty()));
  EXPECT_THAT(ask_kernel().version, Not(IsEmpty()));
}

TEST_F(KernelFactsTest, HowItIsLockedDown) {
  EXPECT_EQ(lockdown_mode(fake_.files()), "") << "a kernel without lockdown has no such file";
  const auto mode = [&](const char* text) {
    fake_.write("/sys/kernel/security/lockdown", text);
    return lockdown_mode(fake_.files());
  };
  EXPECT_EQ(mode("[none] integrity confidentiality\n"), "");
  EXPECT_EQ(mode("none [integrity] confidentiality\n"), "integrity");
  EXPECT_EQ(mode("nonsense"), "");
}

}  // namespace
}  // namespace shadowwalk::host
