// Schedules that go wrong: made short, saved, and run again.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "harness/verify/saved_schedule.hpp"
#include "tests/verify/safe_variants.hpp"

namespace shadowwalk::verify {
namespace {

using testing::HasSubstr;

std::vector<std::string> in_words(const Story& story) {
  std::vector<std::string> lines;
  for (const Story::Line& line : story.lines) lines.push_back(story.cpus[line.cpu] + " " + line.text);
  return lines;
}

TEST(Minimise, ARandomScheduleBecomesTheShortestOne) {
  const VariantEntry& unsafe = verified_variants().at("unsafe");
  const VerifyConfig setting{.walkers = 2, .walks = 2, .zaps = 2, .random = 1000, .seed = 7};
  const Report report = explore(unsafe, setting);
  ASSERT_TRUE(report.failure);
  const Failure shortest = minimise(unsafe, setting, *report.failure);
  EXPECT_THAT(shortest.what, HasSubstr("freed"));
  EXPECT_EQ(shortest.preemptions, 1u) << "a walker, between two levels";
  EXPECT_EQ(shortest.switches, 2u) << "to the zapper, and back";
  EXPECT_LT(shortest.schedule.size(), report.failure->schedule.size());
  EXPECT_TRUE(shortest.fewest_preemptions);
  EXPECT_EQ(tell_story(unsafe, setting, shortest).what, shortest.what);
}

TEST(Minimise, WithoutABarrierTheReadersStoreIsStillInItsBuffer) {
  const VariantEntry& variant = verified_variants().at("irq-ipi");
  const VerifyConfig setting{.walkers = 1, .mutant = Mutant::begin_without_barrier};
  const Report report = explore(variant, setting);
  ASSERT_TRUE(report.failure);
  const Failure shortest = minimise(variant, setting, *report.failure);
  EXPECT_EQ(shortest.preemptions, 1u);
  const Story story = tell_story(variant, setting, shortest);
  const auto freed = std::ranges::find(story.lines, "buffers page 1[0] = poison", &Story::Line::text);
  ASSERT_NE(freed, story.lines.end());
  EXPECT_THAT(freed->buffers[0], testing::Contains("mode of vCPU 0 = 3"));
}

TEST(Minimise, ADeadlockStaysOne) {
  const VariantEntry& variant = verified_variants().at("irq-ipi");
  const VerifyConfig setting{.walkers = 1, .mutant = Mutant::ipi_lost};
  const Report report = explore(variant, setting);
  ASSERT_TRUE(report.failure);
  EXPECT_THAT(minimise(variant, setting, *report.failure).what, HasSubstr("deadlock"));
}

TEST(Stories, CallTheVariablesAndPagesOfEverySchemeByTheirNames) {
  for (const std::string& name : test::safe_variants()) {
    const VerifyConfig setting{.walkers = 1, .mutant = Mutant::page_never_freed};
    const VariantEntry& variant = verified_variants().at(name);
    const Report report = explore(variant, setting);
    ASSERT_TRUE(report.failure) << name;
    const auto lines = in_words(tell_story(variant, setting, *report.failure));
    if (name == "hyaline") continue;  // its batches, and its lists of them, are made while it runs
    EXPECT_THAT(lines, testing::Each(testing::Not(testing::ContainsRegex("0x[0-9a-f]{9,}")))) << name << ": a pointer";
    EXPECT_THAT(lines, testing::Each(testing::Not(HasSubstr("variable ")))) << name;
  }
}

class SavedScheduleFile : public testing::Test {
 protected:
  SavedScheduleFile() {
    const Failure failure = minimise(variant_, setting_, *explore(variant_, setting_).failure);
    story_ = tell_story(variant_, setting_, failure);
    document_ = to_json(
        SavedSchedule{.variant = "irq-ipi", .config = setting_, .goes_wrong = story_.what, .steps = story_.steps});
  }
  SavedSchedule written_and_read() const {
    std::ofstream(path_) << document_.dump(1);
    return load_schedule(path_);
  }
  /// What is said of the file as it is now.
  std::string refused() const {
    try {
      const SavedSchedule saved = written_and_read();
      replay(variant_, saved.config, saved.steps, path_);
    } catch (const InputError& error) {
      return error.what();
    }
    return {};
  }

  const std::string path_ = testing::TempDir() + "saved_schedule.json";
  const VariantEntry& variant_ = verified_variants().at("irq-ipi");
  const VerifyConfig setting_{
      .walkers = 1,
      .memory = simulation::MemoryModel::pso,
      .weakened = simulation::Site{
          .file = "variants/kernel/irq_ipi.hpp", .line = line_of_exchange(), .kind = simulation::Site::Kind::exchange}};
  Story story_;
  nlohmann::ordered_json document_;

 private:
  static unsigned line_of_exchange() {
    for (const simulation::Site& site : explore(verified_variants().at("irq-ipi"), {.walkers = 1}).sites) {
      if (site.file == "variants/kernel/irq_ipi.hpp" && site.kind == simulation::Site::Kind::exchange) return site.line;
    }
    return 0;
  }
};

TEST_F(SavedScheduleFile, IsReplayedToTheSameStory) {
  const SavedSchedule saved = written_and_read();
  EXPECT_EQ(saved.variant, "irq-ipi");
  EXPECT_EQ(saved.config.weakened, setting_.weakened);
  for (int i = 0; i < 3; ++i) {
    const Story replayed = replay(variant_, saved.config, saved.steps, path_);
    EXPECT_EQ(replayed.what, saved.goes_wrong);
    EXPECT_EQ(in_words(replayed), in_words(story_));
  }
}

TEST_F(SavedScheduleFile, GoesWrongNoMoreOnceTheBarrierIsBack) {
  document_["setting"].erase("weakened");
  EXPECT_THAT(refused(), HasSubstr("cannot happen here")) << "the steps are others then";
}

TEST_F(SavedScheduleFile, ThatFitsAnotherBuildIsRefusedWithItsStep) {
  document_["steps"][3] = "walker-0: fence";
  EXPECT_THAT(refused(), HasSubstr("saved_schedule.json: step 4, \"walker-0: fence\", cannot happen here"));
}

TEST_F(SavedScheduleFile, ThatIsWrongIsRefusedInOneLine) {
  const nlohmann::ordered_json good = document_;
  const auto expect_refused = [&](const char* pointer, const nlohmann::json& value, const char* told) {
    document_ = good;
    document_[nlohmann::ordered_json::json_pointer(pointer)] = value;
    const std::string text = refused();
    EXPECT_THAT(text, HasSubstr(told)) << pointer;
    EXPECT_THAT(text, HasSubstr("saved_schedule.json: "));
    EXPECT_EQ(text.find('\n'), std::string::npos);
  };
  expect_refused("/shadowwalk_schedule", 2, "this build reads 1");
  expect_refused("/setting/walkers", 9, "setting.walkers is 9, not 1 to 4");
  expect_refused("/setting/walkers", -1, "setting.walkers is -1, not 1 to 4");
  expect_refused("/setting/pages", "two", "setting.pages is of another type");
  expect_refused("/setting/memory", "arm", "setting.memory is \"arm\", which is unknown");
  expect_refused("/setting/mutant", "none", "setting.mutant is \"none\", which is unknown");
  expect_refused("/setting/weakened/kind", "fence", "setting.weakened.kind is \"fence\", which is unknown");
  expect_refused("/setting", 3, "setting is no object");
  expect_refused("/setting/walkers", 1e300, "setting.walkers is of another type");
  expect_refused("/setting/walkers", true, "setting.walkers is of another type");
  expect_refused("/goes_wrong", "\x1b[2J", "goes_wrong has characters that cannot be printed");
  expect_refused("/steps/0", "\x1b[2J", "steps[0] has characters that cannot be printed");
  expect_refused("/steps", {{"a", 1}}, "steps is of another type");
  expect_refused("/steps", nlohmann::json::array(), "steps is empty");
  document_ = good;
  document_.erase("steps");
  EXPECT_THAT(refused(), HasSubstr("steps is missing"));
  std::ofstream(path_) << "{";
  EXPECT_THROW(load_schedule(path_), InputError);
  std::ofstream(path_) << "{\"shadowwalk_schedule\": " << std::string(1'000'000, '[');
  EXPECT_THROW(load_schedule(path_), InputError);
  EXPECT_THROW(load_schedule(path_ + ".absent"), InputError);
}

}  // namespace
}  // namespace shadowwalk::verify
