#include "harness/doctor/live_facts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "harness/guest/guest.hpp"
#include "harness/machine/placement.hpp"

namespace shadowwalk::doctor {
namespace {

TEST(LiveFactsTest, AgreeWithTheRoomsThatKnow) {
  const LiveFacts facts = observe_live_facts();
  EXPECT_EQ(facts.kvm.unavailable, kvm_unavailable_reason());
  EXPECT_EQ(facts.allowed_cpus.size(), allowed_hardware_threads().size());
  EXPECT_EQ(facts.is_root, geteuid() == 0);
  EXPECT_GT(facts.clock_read_ns, 0);
  EXPECT_FALSE(facts.kernel.empty());
  EXPECT_FALSE(facts.pmu.microarchitecture.empty());
  if (facts.kvm.unavailable.empty()) {
    EXPECT_EQ(facts.kvm.open_error, 0);
    EXPECT_GT(facts.kvm.recommended_vcpus, 0);
    EXPECT_GE(facts.kvm.max_vcpus, facts.kvm.recommended_vcpus);
  }
  if (!facts.pmu.unavailable.empty()) {
    EXPECT_FALSE(facts.pmu.rdpmc_unavailable.empty()) << "no PMU, nothing to read";
  }
}

TEST(LiveFactsTest, ToolsAreLookedForOnThePath) {
  std::string folder = (std::filesystem::temp_directory_path() / "shadowwalk-path-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/bpftrace") << "#!/bin/sh\n";
  std::ofstream(folder + "/perf") << "no program";
  std::filesystem::permissions(folder + "/bpftrace", std::filesystem::perms::owner_all);
  const char* path = getenv("PATH");
  const std::string old = path == nullptr ? "" : path;
  setenv("PATH", ("/nonexistent::" + folder).c_str(), 1);
  EXPECT_THAT(observe_live_facts().tools, testing::ElementsAre("bpftrace"));
  setenv("PATH", "", 1);
  EXPECT_THAT(observe_live_facts().tools, testing::IsEmpty());
  setenv("PATH", old.c_str(), 1);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace shadowwalk::doctor
