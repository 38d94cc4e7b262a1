#include "harness/machine/hardware_threads.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <tuple>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

/// {cpu, core, sibling, llc, package, NUMA node} of each hardware thread of a machine that hwloc makes up.
using Place = std::tuple<unsigned, unsigned, unsigned, unsigned, unsigned, unsigned>;

std::vector<Place> places(const char* synthetic) {
  setenv("HWLOC_SYNTHETIC", synthetic, 1);
  std::vector<Place> found;
  for (const HardwareThread& t : allowed_hardware_threads()) {
    found.emplace_back(t.cpu, t.core, t.sibling, t.llc, t.package, t.numa_node);
  }
  unsetenv("HWLOC_SYNTHETIC");
  return found;
}

TEST(HardwareThreadsTest, SiblingsCoresCachesAndPackages) {
  EXPECT_THAT(places("package:2 l3:2 core:1 pu:2(indexes=0,4,1,5,2,6,3,7)"),
              testing::ElementsAre(Place{0, 0, 0, 0, 0, 0}, Place{4, 0, 1, 0, 0, 0}, Place{1, 1, 0, 1, 0, 0},
                                   Place{5, 1, 1, 1, 0, 0}, Place{2, 2, 0, 2, 1, 0}, Place{6, 2, 1, 2, 1, 0},
                                   Place{3, 3, 0, 3, 1, 0}, Place{7, 3, 1, 3, 1, 0}));
}

TEST(HardwareThreadsTest, NumaNodes) {
  EXPECT_THAT(places("numa:2 package:1 l3:1 core:1 pu:1"),
              testing::ElementsAre(Place{0, 0, 0, 0, 0, 0}, Place{1, 1, 0, 1, 1, 1}));
}

TEST(HardwareThreadsTest, ThePackageStandsInForAMissingL3) {
  EXPECT_THAT(places("package:2 core:1 pu:1"), testing::ElementsAre(Place{0, 0, 0, 0, 0, 0}, Place{1, 1, 0, 1, 1, 0}));
}

TEST(CpuListTest, ErrorsNameTheOptionAndTheChoices) {
  const std::vector<HardwareThread> threads = {
      {.cpu = 0, .core = 0, .sibling = 0, .llc = 0, .package = 0, .numa_node = 0},
      {.cpu = 3, .core = 1, .sibling = 0, .llc = 0, .package = 0, .numa_node = 0}};
  const auto rejection = [&](const char* list) -> std::string {
    try {
      parse_cpu_list(list, threads, "--cpus", "a list");
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(parse_cpu_list("3,0,3", threads, "--cpus", "a list"), testing::ElementsAre(3, 0, 3));
  EXPECT_EQ(rejection("0-x"), "--cpus 0-x: 'x' is not a CPU number; use a list");
  EXPECT_EQ(rejection("3-0"), "--cpus 3-0: the range '3-0' runs backwards");
  EXPECT_EQ(rejection("0-3"), "--cpus 0-3: CPU 1 is not there or not allowed to this process");
}

}  // namespace
}  // namespace shadowwalk
