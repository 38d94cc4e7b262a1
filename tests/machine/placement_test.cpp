#include "harness/machine/placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "harness/machine/error.hpp"
#include "harness/os/allowed_cpus.hpp"

namespace shadowwalk {
namespace {

using os::allowed_cpus;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// The CPUs of the first `threads` threads.
std::vector<unsigned> deal(const Placement& placement, std::size_t threads) {
  std::vector<unsigned> cpus;
  for (std::size_t i = 0; i < threads; ++i) cpus.push_back(placement.cpu_of(i).value());
  return cpus;
}

std::string rejection(std::string_view spec) {
  try {
    Placement::parse(spec);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

/// A machine that hwloc makes up, whatever this one looks like. Numbers of the kernel go to hardware threads in the
/// order of `indexes`.
class SyntheticPlacementTest : public testing::Test {
 protected:
  static void machine(const std::string& topology) { setenv("HWLOC_SYNTHETIC", topology.c_str(), 1); }
  ~SyntheticPlacementTest() override { unsetenv("HWLOC_SYNTHETIC"); }
  static std::vector<unsigned> all(std::string_view spec) {
    const Placement placement = Placement::parse(spec);
    return deal(placement, placement.cpus());
  }
};

// Two packages of one last-level cache and two cores of two hardware threads: CPUs 0-3 are the first threads of the
// four cores, 4-7 their siblings, as Linux numbers them.
constexpr const char* kTwoSockets = "numa:2 package:1 l3:1 core:2 pu:2(indexes=0,4,1,5,2,6,3,7)";

TEST_F(SyntheticPlacementTest, AutoTakesACpuOfEachCoreBeforeAnySibling) {
  machine(kTwoSockets);
  EXPECT_THAT(all("auto"), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  machine("package:1 l3:1 core:2 pu:2");  // here siblings are neighbours
  EXPECT_THAT(all("auto"), ElementsAre(0, 2, 1, 3));
}

TEST_F(SyntheticPlacementTest, AutoFillsALastLevelCacheFirst) {
  machine("package:1 l3:2 core:2 pu:1(indexes=0,2,1,3)");
  EXPECT_THAT(all("auto"), ElementsAre(0, 2, 1, 3));
}

TEST_F(SyntheticPlacementTest, SmtPutsSiblingsNextToEachOther) {
  machine(kTwoSockets);
  EXPECT_THAT(all("smt"), ElementsAre(0, 4, 1, 5, 2, 6, 3, 7));
}

TEST_F(SyntheticPlacementTest, LlcStaysInOneCache) {
  machine(kTwoSockets);
  EXPECT_THAT(all("llc"), ElementsAre(0, 1, 4, 5));
  EXPECT_EQ(Placement::parse("llc").cpus(), 4u);
}

TEST_F(SyntheticPlacementTest, PackageStandsInForAMissingLastLevelCache) {
  machine("package:2 core:2 pu:1");
  EXPECT_THAT(all("llc"), ElementsAre(0, 1));
}

TEST_F(SyntheticPlacementTest, NumaAlternatesBetweenNodes) {
  machine(kTwoSockets);
  EXPECT_THAT(all("numa"), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  machine("numa:3 package:1 l3:1 core:2 pu:1");
  EXPECT_THAT(all("numa"), ElementsAre(0, 2, 4, 1, 3, 5));
}

TEST_F(SyntheticPlacementTest, ListIsTakenAsItIsWritten) {
  machine(kTwoSockets);
  EXPECT_THAT(all("6,0-2,4"), ElementsAre(6, 0, 1, 2, 4));
  EXPECT_THAT(all("3"), ElementsAre(3));
  EXPECT_THAT(all("5-5"), ElementsAre(5));
}

TEST_F(SyntheticPlacementTest, DealsAgainFromTheFront) {
  machine("package:1 core:3 pu:1");
  EXPECT_THAT(deal(Placement::parse("2,0"), 5), ElementsAre(2, 0, 2, 0, 2));
  EXPECT_THAT(deal(Placement::parse("auto"), 7), ElementsAre(0, 1, 2, 0, 1, 2, 0));
}

TEST_F(SyntheticPlacementTest, CpuListedTwiceIsOneCpu) {
  machine("package:1 core:3 pu:1");
  const Placement placement = Placement::parse("1,1,0-1");
  EXPECT_EQ(placement.cpus(), 2u) << "more busy threads than that are oversubscribed";
  EXPECT_THAT(deal(placement, 5), ElementsAre(1, 1, 0, 1, 1));
}

TEST_F(SyntheticPlacementTest, CpuNumbersMayBeLarge) {
  machine("package:40 core:50 pu:1");
  EXPECT_EQ(Placement::parse("auto").cpus(), 2000u);
  EXPECT_THAT(all("1999"), ElementsAre(1999));
}

TEST_F(SyntheticPlacementTest, NonePinsNothing) {
  machine("package:1 core:3 pu:1");
  const Placement placement = Placement::parse("none");
  EXPECT_EQ(placement.cpu_of(0), std::nullopt);
  EXPECT_EQ(placement.cpus(), 3u);
}

TEST_F(SyntheticPlacementTest, CpuThatIsNotThere) {
  machine("package:1 core:4 pu:1");
  EXPECT_EQ(rejection("4"), "--placement 4: CPU 4 is not there or not allowed to this process");
  EXPECT_EQ(rejection("0,2-9"), "--placement 0,2-9: CPU 4 is not there or not allowed to this process");
  EXPECT_EQ(rejection("0-999999"), "--placement 0-999999: CPU 4 is not there or not allowed to this process");
}

TEST_F(SyntheticPlacementTest, MalformedSpecsAreOneLineErrors) {
  machine("package:1 core:4 pu:1");
  for (const char* spec : {"",    ",",     "0,",   ",0",  "0,,1",    "-",          "-1",
                           "1-",  "0-1-2", "x",    "0x1", "+1",      " 1",         "1 ",
                           "1.5", "autos", "Auto", "0;1", "9999999", "4294967296", "18446744073709551616"}) {
    EXPECT_THAT(rejection(spec),
                AllOf(HasSubstr(std::string("--placement ") + spec + ": "),
                      HasSubstr("is not a CPU number; use auto, smt, llc, numa, none or a list"), Not(HasSubstr("\n"))))
        << "spec '" << spec << "'";
  }
  EXPECT_EQ(rejection("3-1"), "--placement 3-1: the range '3-1' runs backwards");
}

TEST(PlacementTest, CoversTheAllowedCpusOfThisMachine) {
  const std::vector<unsigned> allowed = allowed_cpus();
  for (const char* spec : {"auto", "smt", "numa"}) {
    const Placement placement = Placement::parse(spec);
    ASSERT_EQ(placement.cpus(), allowed.size()) << spec;
    EXPECT_THAT(deal(placement, allowed.size()), testing::UnorderedElementsAreArray(allowed)) << spec;
  }
  EXPECT_THAT(deal(Placement::parse("llc"), 1), testing::Each(testing::AnyOfArray(allowed)));
  EXPECT_EQ(Placement::parse("none").cpus(), allowed.size());
}

TEST(PlacementTest, CountsOnlyCpusThatThisProcessMayRunOn) {
  const std::vector<unsigned> allowed = allowed_cpus();
  if (allowed.size() < 2) GTEST_SKIP() << "needs two CPUs to take one away";
  std::thread([&] {  // affinity is a thread's, and ends with it
    pin_this_thread(allowed.back());
    EXPECT_THAT(deal(Placement::parse("auto"), 2), ElementsAre(allowed.back(), allowed.back()));
    EXPECT_EQ(Placement::parse("none").cpus(), 1u);
    EXPECT_THAT(rejection(std::to_string(allowed.front())), HasSubstr("not allowed to this process"));
  })
      .join();
}

TEST(PlacementTest, PinsTheCallingThreadOnly) {
  const std::vector<unsigned> allowed = allowed_cpus();
  std::thread([&] {
    for (unsigned cpu : allowed) {
      pin_this_thread(cpu);
      EXPECT_EQ(static_cast<unsigned>(sched_getcpu()), cpu);
      EXPECT_THAT(allowed_cpus(), ElementsAre(cpu));
    }
  }).join();
  EXPECT_EQ(allowed_cpus(), allowed);
}

TEST(PlacementTest, PinningWhereNoCpuIsFailsTheCell) {
  for (const unsigned cpu : {CPU_SETSIZE - 1u, CPU_SETSIZE + 0u, 999'999u}) {
    if (std::ranges::count(allowed_cpus(), cpu) != 0) continue;
    try {
      pin_this_thread(cpu);
      ADD_FAILURE() << "pinned to CPU " << cpu;
    } catch (const CellError& error) {
      EXPECT_THAT(error.what(), HasSubstr("cannot pin a thread to CPU " + std::to_string(cpu)));
    }
  }
}

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
