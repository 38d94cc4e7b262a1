#include "harness/measure/pmu/perf_kernel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "tests/pmu/fake_tree.hpp"

namespace shadowwalk::pmu {
namespace {

using testing::HasSubstr;

EncodedEvent event_of(EventKind kind, const char* modifiers = "") {
  EncodedEvent event;
  event.kind = kind;
  apply_privileges(event, modifiers);
  return event;
}

TEST(OpenFailure, NoPmuAndNoSuchEventAreToldApart) {
  const EncodedEvent cycles = event_of(EventKind::core);
  EXPECT_THAT(explain_open_failure(ENOENT, cycles, {.has_core_pmu = false, .paranoid = 2}),
              HasSubstr("no hardware PMU"));
  EXPECT_THAT(explain_open_failure(ENOENT, cycles, {.has_core_pmu = false, .paranoid = 2}), HasSubstr("pmu=on"));
  EXPECT_THAT(explain_open_failure(ENOENT, cycles, {.has_core_pmu = true, .paranoid = 2}), HasSubstr("no such event"));
  EXPECT_THAT(explain_open_failure(EOPNOTSUPP, cycles, {.has_core_pmu = false, .paranoid = 2}),
              HasSubstr("no hardware PMU"));
}

TEST(OpenFailure, PermissionNamesTheLevelAndTheCommand) {
  const OpenFacts facts{.has_core_pmu = true, .paranoid = 3};
  EXPECT_THAT(
      explain_open_failure(EACCES, event_of(EventKind::core), facts),
      testing::AllOf(HasSubstr("perf_event_paranoid is 3"), HasSubstr("`sysctl kernel.perf_event_paranoid=2`")));
  EXPECT_THAT(explain_open_failure(EACCES, event_of(EventKind::core, "uk"), facts),
              testing::AllOf(HasSubstr("`sysctl kernel.perf_event_paranoid=1`"), HasSubstr(":u")));
  EXPECT_THAT(explain_open_failure(EPERM, event_of(EventKind::tracepoint), facts),
              HasSubstr("`sysctl kernel.perf_event_paranoid=1`"));
}

TEST(OpenFailure, AContainerThatForbidsIsNotMendedBySysctl) {
  const std::string words =
      explain_open_failure(EPERM, event_of(EventKind::core), {.has_core_pmu = true, .paranoid = 1});
  EXPECT_THAT(words, HasSubstr("seccomp"));
  EXPECT_THAT(words, testing::Not(HasSubstr("sysctl")));
}

TEST(OpenFailure, EachErrorHasWordsOfItsOwn) {
  const EncodedEvent cycles = event_of(EventKind::core);
  std::set<std::string> words;
  const std::vector<int> errors = {ENOENT, EOPNOTSUPP, EACCES, EINVAL, EMFILE, ENFILE, EBUSY, ENOSPC, ENOSYS, E2BIG};
  for (const int error : errors) {
    const std::string text = explain_open_failure(error, cycles, {.has_core_pmu = true, .paranoid = 3});
    EXPECT_THAT(text, testing::Not(HasSubstr("\n")));
    words.insert(text);
  }
  EXPECT_EQ(words.size(), errors.size());
}

TEST(OpenFailure, FactsOfAMachine) {
  FakeTree tree;
  EXPECT_EQ(open_facts(tree.paths).paranoid, std::nullopt);
  EXPECT_THAT(explain_open_failure(EACCES, event_of(EventKind::core), open_facts(tree.paths)),
              HasSubstr("cannot be read"));
  tree.write("paranoid", "-1");
  tree.add_core_pmu();
  EXPECT_EQ(open_facts(tree.paths).paranoid, -1);
  EXPECT_TRUE(open_facts(tree.paths).has_core_pmu);
}

}  // namespace
}  // namespace shadowwalk::pmu
