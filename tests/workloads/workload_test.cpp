#include "workloads/workload.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

using testing::HasSubstr;

TEST(ShippedWorkloads, AreThoseThatTheDocumentationLists) {
  std::vector<std::string> names;
  for (const Workload& workload : workloads()) names.push_back(workload.name);
  EXPECT_THAT(names, testing::ElementsAre("mmio-poll", "mmio-beside-reclaim", "mmio-beside-teardown",
                                          "mmio-beside-quota", "mmio-beside-shrinker", "demand-fault", "memslot-flip",
                                          "dirty-log", "dirty-log-converging", "pagetable-churn", "quota", "shrinker",
                                          "balloon", "stalled-walker", "oversubscribed", "idle-vcpus", "boot", "mix"));
}

TEST(ShippedWorkloads, SayInWordsWhatTheyAre) {
  for (const Workload& workload : workloads()) {
    for (const std::string* words :
         {&workload.summary, &workload.guest_part, &workload.host_part, &workload.stresses}) {
      EXPECT_GT(words->size(), 20u) << workload.name;
    }
    EXPECT_THAT(workload.text, HasSubstr("name = \"" + workload.name + "\"")) << "a template for one's own";
    EXPECT_FALSE(workload.guest_requires_events.empty() && workload.host_requires_events.empty()) << workload.name;
    EXPECT_EQ(find_workload(workload.name), &workload);
  }
  EXPECT_EQ(find_workload("mmio"), nullptr);
}

TEST(GuestParamsOfWorkload, SharesBecomePages) {
  const GuestParams mix = guest_params(*find_workload("mix"), {.working_set = 1000, .seed = 7});
  EXPECT_EQ(mix.seed, 7u);
  ASSERT_EQ(mix.phase_count, 1u);
  ASSERT_EQ(mix.phases[0].stream_count, 4u);
  const AccessStream* streams = mix.phases[0].streams;
  EXPECT_EQ(streams[0].pages, 600u);
  EXPECT_EQ(streams[1].first_page, 600u);
  EXPECT_EQ(streams[1].pages, 100u);
  EXPECT_EQ(streams[2].first_page, 700u);
  EXPECT_EQ(streams[2].pages, 50u) << "of 200 pages, for each of 4 processes";
  EXPECT_EQ(streams[3].first_page + streams[3].pages, 1000u);
}

TEST(GuestParamsOfWorkload, SmallestWorkingSetHasAPageForEachStream) {
  for (const Workload& workload : workloads()) {
    const GuestParams params = guest_params(workload, {.working_set = 1});
    for (unsigned phase = 0; phase < params.phase_count; ++phase) {
      for (unsigned i = 0; i < params.phases[phase].stream_count; ++i) {
        const AccessStream& stream = params.phases[phase].streams[i];
        EXPECT_GE(stream.pages, 1u) << workload.name;
        EXPECT_LE(stream.stride, stream.pages) << workload.name;
      }
    }
  }
}

TEST(LoadWorkload, TakesNamesAndFiles) {
  EXPECT_EQ(load_workload("mix").name, "mix");
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "load_workload_test.toml";
  const auto complaint = [&](const std::string& text) -> std::string {
    std::ofstream(file) << text;
    try {
      return "loaded " + load_workload(file.string()).name;
    } catch (const InputError& error) {
      return error.what();
    }
  };
  const std::string body = "[[guest.phase]]\n[[guest.phase.stream]]\n";
  EXPECT_EQ(complaint("name = \"mine\"\n" + body), "loaded mine");
  EXPECT_THAT(complaint("name = \"mix\"\n" + body), HasSubstr("'mix' is a shipped workload's; choose another"));
  EXPECT_THROW(load_workload("mixx"), InputError);
  std::filesystem::remove(file);
  EXPECT_THROW(load_workload(file.string()), InputError);
}

// Counted by hand: 4096 pages are 8 leaf tables, at most 10 where they are not aligned, and 2 + 2 + 1 above them.
TEST(PagesRetiredPerBeat, IsTheMeanOfTheActions) {
  EXPECT_EQ(pages_retired_per_beat(*find_workload("demand-fault"), 4096), 1);
  EXPECT_EQ(pages_retired_per_beat(*find_workload("dirty-log"), 4096), 0);
  EXPECT_EQ(pages_retired_per_beat(*find_workload("quota"), 4096), 0) << "it has no beats";
  EXPECT_NEAR(pages_retired_per_beat(*find_workload("memslot-flip"), 4096), 15, 0.1);
  EXPECT_NEAR(pages_retired_per_beat(*find_workload("mmio-poll"), 4096), (240 * 1 + 15 * 11 + 13.02) / 256, 0.01);
}

}  // namespace
}  // namespace shadowwalk
