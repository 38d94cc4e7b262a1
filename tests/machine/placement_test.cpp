#include "harness/machine/placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "harness/machine/error.hpp"
#include "harness/os/allowed_cpus.hpp"
#include "harness/os/scoped_affinity.hpp"

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

// Eight cores of one cache.
constexpr const char* kEightCores = "package:1 l3:1 core:8 pu:1";
// 2 x 16 cores of two hardware threads and 2 x 64 with a cache per eight, numbered as Linux does.
constexpr const char* kTwoBySixteen = "package:2 l3:1 core:16 pu:2(indexes=2*32:1*2)";
constexpr const char* kTwoBySixtyFour = "package:2 l3:8 core:8 pu:2(indexes=2*128:1*2)";

struct Dealt {
  std::vector<unsigned> vcpus, zappers;
  unsigned reclaimer = 0;
};

Dealt deal_cell(const Placement& placement, std::size_t vcpus, std::size_t zappers) {
  const DealtCpus dealt = placement.deal(vcpus, zappers);
  Dealt cell{.vcpus = {}, .zappers = dealt.zappers, .reclaimer = dealt.reclaimer.value()};
  for (std::size_t i = 0; i < vcpus; ++i) cell.vcpus.push_back(dealt.vcpus[i % dealt.vcpus.size()]);
  return cell;
}

TEST_F(SyntheticPlacementTest, ZappersAndReclaimerStayWhereTheyAreForEachNumberOfVcpus) {
  for (const char* topology : {kEightCores, kTwoBySixteen, kTwoBySixtyFour}) {
    machine(topology);
    for (const char* spec : {"auto", "smt", "numa"}) {
      for (const std::size_t zappers : {1u, 2u, 3u}) {
        const Placement placement = Placement::parse(spec);
        const Dealt alone = deal_cell(placement, 1, zappers);
        for (std::size_t vcpus = 1; vcpus + zappers + 1 <= placement.cpus(); ++vcpus) {
          const Dealt cell = deal_cell(placement, vcpus, zappers);
          EXPECT_EQ(cell.zappers, alone.zappers) << topology << ' ' << spec << ' ' << vcpus;
          EXPECT_EQ(cell.reclaimer, alone.reclaimer) << topology << ' ' << spec << ' ' << vcpus;
          std::vector<unsigned> all = cell.vcpus;
          all.insert(all.end(), cell.zappers.begin(), cell.zappers.end());
          all.push_back(cell.reclaimer);
          EXPECT_EQ(std::set(all.begin(), all.end()).size(), vcpus + zappers + 1) << "each has a CPU of its own";
          EXPECT_EQ(cell.vcpus.front(), placement.cpu_of(0));
        }
      }
    }
  }
}

TEST_F(SyntheticPlacementTest, ZappersAndReclaimerHaveTheLastCoresOfVcpu0sPackage) {
  machine(kEightCores);
  Dealt cell = deal_cell(Placement::parse("auto"), 6, 1);
  EXPECT_THAT(cell.vcpus, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(cell.zappers, ElementsAre(7));
  EXPECT_EQ(cell.reclaimer, 6u);
  machine(kTwoBySixtyFour);
  cell = deal_cell(Placement::parse("auto"), 63, 2);
  EXPECT_THAT(cell.zappers, ElementsAre(62, 63));
  EXPECT_EQ(cell.reclaimer, 61u);
  EXPECT_EQ(cell.vcpus[60], 60u);
  EXPECT_EQ(cell.vcpus[61], 64u) << "the next package, and no second hardware thread";
  EXPECT_THAT(deal_cell(Placement::parse("numa"), 4, 1).vcpus, ElementsAre(0, 1, 2, 3)) << "one NUMA node";
  machine(kTwoSockets);
  cell = deal_cell(Placement::parse("numa"), 3, 1);
  EXPECT_THAT(cell.zappers, ElementsAre(1));
  EXPECT_THAT(cell.vcpus, ElementsAre(0, 2, 4));
  machine("package:1 core:4 pu:2");  // siblings are neighbours
  cell = deal_cell(Placement::parse("smt"), 2, 1);
  EXPECT_THAT(cell.vcpus, ElementsAre(0, 1));
  EXPECT_THAT(cell.zappers, ElementsAre(7));
  EXPECT_EQ(cell.reclaimer, 6u);
}

TEST_F(SyntheticPlacementTest, WhereCpusAreShortTheReclaimerHasTheZappersAndTheZapperDoesNotMove) {
  machine("package:1 core:2 pu:1");
  Dealt cell = deal_cell(Placement::parse("auto"), 1, 1);
  EXPECT_THAT(cell.vcpus, ElementsAre(0));
  EXPECT_THAT(cell.zappers, ElementsAre(1));
  EXPECT_EQ(cell.reclaimer, 1u);
  cell = deal_cell(Placement::parse("auto"), 3, 1);
  EXPECT_THAT(cell.vcpus, ElementsAre(0, 1, 0));
  EXPECT_THAT(cell.zappers, ElementsAre(1));
  EXPECT_EQ(cell.reclaimer, 1u);
  EXPECT_EQ(deal_cell(Placement::parse("auto"), 2, 0).reclaimer, 1u) << "no zapper to be beside";
  machine("package:1 core:4 pu:1");
  cell = deal_cell(Placement::parse("auto"), 3, 1);
  EXPECT_THAT(cell.vcpus, ElementsAre(0, 1, 2));
  EXPECT_THAT(cell.zappers, ElementsAre(3));
  EXPECT_EQ(cell.reclaimer, 3u);
  cell = deal_cell(Placement::parse("auto"), 1, 7);
  EXPECT_THAT(cell.zappers, ElementsAre(1, 2, 3, 1, 2, 3, 1)) << "a CPU is left to vCPUs";
  EXPECT_THAT(cell.vcpus, ElementsAre(0));
  machine("package:1 core:1 pu:1");
  cell = deal_cell(Placement::parse("auto"), 2, 2);
  EXPECT_THAT(cell.vcpus, ElementsAre(0, 0));
  EXPECT_THAT(cell.zappers, ElementsAre(0, 0));
  EXPECT_EQ(cell.reclaimer, 0u);
}

TEST_F(SyntheticPlacementTest, AListIsDealtFromBothEnds) {
  machine(kEightCores);
  Dealt cell = deal_cell(Placement::parse("5,3,1"), 2, 1);
  EXPECT_THAT(cell.vcpus, ElementsAre(5, 3));
  EXPECT_THAT(cell.zappers, ElementsAre(1));
  EXPECT_EQ(cell.reclaimer, 1u);
  EXPECT_EQ(deal_cell(Placement::parse("5,3,1"), 1, 1).reclaimer, 3u);
  cell = deal_cell(Placement::parse("2,2,6"), 2, 1);
  EXPECT_THAT(cell.vcpus, ElementsAre(2, 2)) << "as often as a CPU is listed";
  EXPECT_THAT(cell.zappers, ElementsAre(6));
}

TEST_F(SyntheticPlacementTest, NoneDealsNothing) {
  machine(kEightCores);
  const DealtCpus dealt = Placement::parse("none").deal(2, 1);
  EXPECT_TRUE(dealt.vcpus.empty() && dealt.zappers.empty() && !dealt.reclaimer);
}

/// {of the cache, of the package, of all}
std::array<unsigned, 3> room(const Placement& placement, std::size_t reserved) {
  const VcpuRoom room = placement.room_beside(reserved);
  return {room.llc, room.package, room.all};
}

TEST_F(SyntheticPlacementTest, RoomIsCountedInCoresBesideTheReservedOnes) {
  machine(kEightCores);
  EXPECT_THAT(room(Placement::parse("auto"), 2), ElementsAre(6, 6, 6));
  EXPECT_THAT(room(Placement::parse("none"), 0), ElementsAre(8, 8, 8));
  machine(kTwoBySixteen);
  EXPECT_THAT(room(Placement::parse("auto"), 2), ElementsAre(14, 14, 30));
  EXPECT_THAT(room(Placement::parse("llc"), 2), ElementsAre(14, 14, 14));
  EXPECT_THAT(room(Placement::parse("smt"), 2), ElementsAre(30, 30, 62)) << "hardware threads";
  EXPECT_THAT(room(Placement::parse("0,1,16"), 2), ElementsAre(1, 1, 1));
  EXPECT_THAT(room(Placement::parse("0,0,32,1"), 0), ElementsAre(3, 3, 3)) << "what is listed, each once";
  machine(kTwoBySixtyFour);
  EXPECT_THAT(room(Placement::parse("auto"), 2), ElementsAre(8, 62, 126));
  EXPECT_THAT(room(Placement::parse("auto"), 0), ElementsAre(8, 64, 128));
  machine("package:1 core:2 pu:2");
  EXPECT_THAT(room(Placement::parse("auto"), 2), ElementsAre(1, 1, 1)) << "at least vCPU 0's";
  EXPECT_THAT(room(Placement::parse("auto"), 100), ElementsAre(1, 1, 1));
}

// Offline CPUs and those outside of the cpuset are not in the topology: numbers have gaps, cores have one sibling.
TEST_F(SyntheticPlacementTest, SparseCpuNumbers) {
  machine("package:1 core:5 pu:1(indexes=1,3,4,9,200)");
  EXPECT_THAT(room(Placement::parse("auto"), 2), ElementsAre(3, 3, 3));
  const Dealt cell = deal_cell(Placement::parse("auto"), 3, 1);
  EXPECT_THAT(cell.vcpus, ElementsAre(1, 3, 4));
  EXPECT_THAT(cell.zappers, ElementsAre(200));
  EXPECT_EQ(cell.reclaimer, 9u);
}

TEST(PlacementTest, ACpusetOfThreeInTwoCores) {
  const std::vector<HardwareThread> threads = {
      {.cpu = 2, .core = 1, .sibling = 0, .llc = 0, .package = 0, .numa_node = 0},
      {.cpu = 10, .core = 1, .sibling = 1, .llc = 0, .package = 0, .numa_node = 0},
      {.cpu = 5, .core = 4, .sibling = 0, .llc = 0, .package = 0, .numa_node = 0}};
  const Placement placement = Placement::parse("auto", threads);
  EXPECT_THAT(room(placement, 0), ElementsAre(2, 2, 2)) << "cores, not hardware threads";
  EXPECT_THAT(room(placement, 2), ElementsAre(1, 1, 1));
  const Dealt cell = deal_cell(placement, 1, 1);
  EXPECT_THAT(cell.vcpus, ElementsAre(2));
  EXPECT_THAT(cell.zappers, ElementsAre(5)) << "a core of its own";
  EXPECT_EQ(cell.reclaimer, 10u);
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

TEST(PlacementTest, AScopeEndsWithTheCpusOfBefore) {
  const std::vector<unsigned> allowed = allowed_cpus();
  std::thread([&] {
    {
      const os::ScopedAffinity scope(allowed.back());
      EXPECT_THAT(allowed_cpus(), ElementsAre(allowed.back()));
    }
    EXPECT_EQ(allowed_cpus(), allowed);
    const os::ScopedAffinity nothing(std::nullopt);
    EXPECT_EQ(allowed_cpus(), allowed);
  }).join();
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
