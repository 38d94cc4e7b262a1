#include "harness/attach/tools/compose.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <regex>
#include <string>

#include "harness/machine/error.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ComposeTest : public testing::Test {
 protected:
  ComposeTest() {
    question.time = std::chrono::seconds(10);
    target = {.run = "first-7",
              .process = {.pid = 100, .start = 1},
              .variant = "irq-ipi",
              .threads = {{"main", {100}}, {"vcpu", {101, 102}}, {"zapper", {103}}},
              .has_kvm_vcpus = true};
    can.cycles = can.kernel_side = can.whole_host = true;
    can.kvm_systems = {"kvm", "kvmmmu"};
  }
  std::string line() const { return os::shell_line(compose(question, target, can).words); }
  std::string refusal() const {
    try {
      return "not refused: " + line();
    } catch (const InputError& error) {
      return error.what();
    }
  }

  Question question;
  Target target;
  HostCan can;
};

TEST_F(ComposeTest, CpuIsAProfileOfTheThreadsThatWork) {
  EXPECT_EQ(line(),
            "perf record -g -F 997 -e cycles -k CLOCK_MONOTONIC -t 101,102,103 -o "
            "cpu-100.data");
  const Command command = compose(question, target, can);
  EXPECT_EQ(command.output, "cpu-100.data");
  EXPECT_EQ(command.mark, "perf record (attach --what cpu)");
  EXPECT_THAT(command.notes, IsEmpty());
}

TEST_F(ComposeTest, RolesChooseThreads) {
  question.role = Role::walker;
  EXPECT_THAT(line(), HasSubstr(" -t 101,102 "));
  EXPECT_EQ(compose(question, target, can).mark, "perf record (attach --what cpu --role walker)");
  question.role = Role::zapper;
  EXPECT_THAT(line(), HasSubstr(" -t 103 "));
  question.role = Role::reclaimer;
  EXPECT_EQ(refusal(), "attach: the cell of first-7 has no reclaimers: its variant frees without RCU's thread");
  target.threads["reclaim"] = {104};
  EXPECT_THAT(line(), HasSubstr(" -t 104 "));
  question.role.reset();
  EXPECT_THAT(line(), HasSubstr(" -t 101,102,103,104 "));
}

TEST_F(ComposeTest, TimeAndDirectory) {
  question.time = std::chrono::milliseconds(1500);
  question.directory = "a b";
  EXPECT_THAT(line(), testing::StartsWith("perf ")) << "who runs it ends it";
  EXPECT_THAT(line(), HasSubstr("-o 'a b/cpu-100.data'"));
  question.only_print = true;
  EXPECT_THAT(line(), testing::StartsWith("timeout --foreground -s INT 1.5 perf "));
}

TEST_F(ComposeTest, WithoutPmuATimerSamplesAndItIsSaid) {
  can.cycles = false;
  EXPECT_THAT(line(), HasSubstr("-e cpu-clock -k"));
  EXPECT_THAT(compose(question, target, can).notes, ElementsAre(HasSubstr("no PMU")));
}

TEST_F(ComposeTest, WithoutPermissionUserSpaceAloneOrNothing) {
  can.kernel_side = false;
  EXPECT_THAT(line(), HasSubstr("-e cycles:u -k"));
  EXPECT_THAT(compose(question, target, can).notes, ElementsAre(HasSubstr("user space only")));
  can.sampling = {"perf_event_paranoid is 3", true};
  EXPECT_EQ(refusal(), "attach: --what cpu: perf_event_paranoid is 3");
  question.only_print = true;
  EXPECT_THAT(line(), testing::StartsWith("sudo timeout --foreground -s INT 10 perf record -g -F 997 -e cycles -k"));
}

TEST_F(ComposeTest, WhatRootCannotMendIsRefusedInPrintToo) {
  question.only_print = true;
  can.perf = {"perf is not on PATH: apt-get install linux-perf", false};
  EXPECT_EQ(refusal(), "attach: --what cpu: perf is not on PATH: apt-get install linux-perf");
  question.what = What::zaps;
  EXPECT_THAT(line(), HasSubstr("bpftrace")) << "it needs no perf";
  can.bpftrace = {"bpftrace is not on PATH", false};
  EXPECT_EQ(refusal(), "attach: --what zaps: bpftrace is not on PATH");
  can.bpftrace = {"bpftrace needs root", true};
  EXPECT_THAT(line(), testing::StartsWith("sudo timeout"));
  question.only_print = false;
  EXPECT_EQ(refusal(), "attach: --what zaps: bpftrace needs root");
}

TEST_F(ComposeTest, ProbesOfTheProcess) {
  question.what = What::frees;
  EXPECT_EQ(line(),
            "bpftrace -p 100 -e "
            "'BEGIN { printf(\"attached\\n\"); } usdt:/proc/100/exe:shadowwalk:page__retire { @pages_retired[comm] = "
            "count(); } "
            "usdt:/proc/100/exe:shadowwalk:page__free { @free_ns[comm] = hist(arg3); }'");
  EXPECT_EQ(compose(question, target, can).output, "");
  question.directory = "out";
  EXPECT_THAT(line(), HasSubstr(" -p 100 -o out/frees-100.txt -e "));
  EXPECT_EQ(compose(question, target, can).output, "out/frees-100.txt");
}

TEST_F(ComposeTest, ARoleOfProbesIsTheNameOfItsThreads) {
  question.what = What::locks;
  EXPECT_THAT(line(), HasSubstr("shadowwalk:commit__done {"));
  EXPECT_THAT(line(), Not(HasSubstr("shadowwalk:fault"))) << "too dear for who has not asked for it";
  question.role = Role::walker;
  EXPECT_THAT(line(), HasSubstr("shadowwalk:fault /strncmp(comm, \"vcpu-\", 5) == 0/ {"));
  question.role = Role::zapper;
  EXPECT_THAT(line(), HasSubstr("shadowwalk:commit__done /strncmp(comm, \"zapper-\", 7) == 0/ {"));
  EXPECT_THAT(line(), Not(HasSubstr("shadowwalk:fault")));
  question.what = What::exits;
  EXPECT_EQ(refusal(), "attach: --what exits: zappers have no part in it; leave --role out");
}

TEST_F(ComposeTest, ProbesThatAKernelsOwnMmuDoesNotPass) {
  target.variant = "host-kvm";
  for (const What what : {What::frees, What::locks, What::exits}) {
    question.what = what;
    EXPECT_THAT(refusal(), HasSubstr("happens in the kernel, outside the lab's probes: --what kvm"));
  }
  question.what = What::zaps;
  EXPECT_THAT(line(), HasSubstr("zap__done"));
}

TEST(TracepointFilterTest, ThreadsInARowAreARange) {
  EXPECT_EQ(tracepoint_filter({"pid"}, {7}), "pid == 7");
  EXPECT_EQ(tracepoint_filter({"pid"}, {9, 7}), "pid == 7 || pid == 9");
  EXPECT_EQ(tracepoint_filter({"pid"}, {7, 12, 8, 9}), "(pid >= 7 && pid <= 9) || pid == 12");
}

// Debian's pid_max is 4,194,304.
TEST(TracepointFilterTest, OfAnyThreadsItIsShorterThanAPageAndPassesThemAll) {
  for (const int step : {1, 2, 17, 1000}) {
    std::vector<pid_t> tids;
    for (pid_t tid = 1'000'000; tids.size() < 3000; tid += step) tids.push_back(tid);
    const std::string filter = tracepoint_filter({"prev_pid", "next_pid"}, tids);
    EXPECT_LT(filter.size(), 4096u);
    const std::regex term(R"(prev_pid == (\d+)|\(prev_pid >= (\d+) && prev_pid <= (\d+)\))");
    std::size_t passed = 0;
    for (std::sregex_iterator it(filter.begin(), filter.end(), term), end; it != end; ++it) {
      const pid_t first = std::stoi((*it)[1].matched ? (*it)[1] : (*it)[2]);
      const pid_t last = (*it)[1].matched ? first : std::stoi((*it)[3]);
      passed += static_cast<std::size_t>(std::ranges::count_if(tids, [&](pid_t t) { return first <= t && t <= last; }));
    }
    EXPECT_EQ(passed, tids.size());
  }
}

TEST_F(ComposeTest, SchedSeesThreadsComeAndGo) {
  question.what = What::sched;
  question.role = Role::walker;
  EXPECT_EQ(line(),
            "perf record -e sched:sched_switch --filter "
            "'prev_pid == 101 || prev_pid == 102 || next_pid == 101 || next_pid == 102' "
            "-e sched:sched_wakeup --filter 'pid == 101 || pid == 102' "
            "-e sched:sched_migrate_task --filter 'pid == 101 || pid == 102' "
            "-k CLOCK_MONOTONIC -a -o sched-100.data");
  can.whole_host = false;
  EXPECT_THAT(line(), HasSubstr(" -t 101,102 "));
  EXPECT_THAT(line(), Not(HasSubstr("-a ")));
  EXPECT_THAT(compose(question, target, can).notes, ElementsAre(HasSubstr("only switches away from the threads")));
  can.tracepoints = {"tracefs is not mounted: mount it", false};
  EXPECT_EQ(refusal(), "attach: --what sched: tracefs is not mounted: mount it");
}

TEST_F(ComposeTest, C2cNeedsMemorySampling) {
  question.what = What::c2c;
  EXPECT_EQ(line(), "perf c2c record -o c2c-100.data -- -k CLOCK_MONOTONIC -t 101,102,103");
  can.memory_sampling = {"no event samples memory accesses; nearest is X", false};
  EXPECT_EQ(refusal(), "attach: --what c2c: no event samples memory accesses; nearest is X");
}

TEST_F(ComposeTest, KvmNeedsAGuestOfKvm) {
  question.what = What::kvm;
  EXPECT_THAT(line(), HasSubstr("perf record -e 'kvm:*' -e 'kvmmmu:*' -k CLOCK_MONOTONIC -t 101,102,103 "));
  can.kvm_systems = {"kvm"};
  EXPECT_THAT(line(), Not(HasSubstr("kvmmmu")));
  target.has_kvm_vcpus = false;
  EXPECT_THAT(refusal(), HasSubstr("thread guests"));
}

TEST_F(ComposeTest, ByTheCellsOwnWindow) {
  question.control = "--control=fifo:/run/c,/run/a";
  EXPECT_EQ(line(),
            "perf record -g -F 997 -e cycles -k CLOCK_MONOTONIC -t 101,102,103 --delay=-1 "
            "--control=fifo:/run/c,/run/a -o cpu-100.data");
  question.what = What::zaps;
  EXPECT_THAT(refusal(), HasSubstr("--next-measure needs a tool that can be switched"));
}

TEST(Question, NamesAreSuggested) {
  EXPECT_EQ(parse_what("c2c"), What::c2c);
  EXPECT_EQ(name_of(What::locks), "locks");
  EXPECT_EQ(parse_role("reclaimer"), Role::reclaimer);
  const auto complaint = [](auto parse, const char* word) -> std::string {
    try {
      parse(word);
      return "";
    } catch (const InputError& error) {
      return error.what();
    }
  };
  EXPECT_EQ(complaint(parse_what, "lock"),
            "attach: unknown --what 'lock', did you mean 'locks'? there are: cpu, zaps, frees, locks, exits, sched, "
            "c2c, kvm");
  EXPECT_EQ(complaint(parse_role, "xyzzyxyzzy"),
            "attach: unknown --role 'xyzzyxyzzy'; there are: walker, zapper, reclaimer");
}

}  // namespace
}  // namespace shadowwalk::tools
