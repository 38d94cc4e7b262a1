#include "harness/doctor/report.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::doctor {
namespace {

using testing::HasSubstr;
using testing::Not;

class ReportTest : public test::DoctorTest {
 protected:
  Report report() const { return examine(fake_.host()); }
};

/// A host that tells nothing at all, to a user who may nothing.
void make_mute(test::FakeHost& fake) {
  for (const char* folder : {"/proc", "/sys"}) fake.remove(folder);
  fake.live = {};
  fake.facts = {};
  fake.live.kernel = "2.6.20 x86_64";
  fake.live.pmu.unavailable = "not permitted";
  fake.live.pmu.rdpmc_unavailable = "not permitted";
  fake.live.kvm.unavailable = "/dev/kvm: No such file or directory";
  fake.live.kvm.open_error = ENOENT;
  fake.live.membarrier_unavailable = "membarrier: Function not implemented";
  fake.live.kernel_cells.device_unavailable = "the module is not loaded: load it";
  fake.live.kernel_cells.build_unavailable = "no headers of Linux 2.6.20: install linux-headers-2.6.20";
  fake.live.kernel_cells.image_unavailable = "no image is there; give one";
}

TEST_F(ReportTest, EverySubjectOnceAndEveryLackIsMendedOrSaidToBeBeyondMending) {
  for (const bool is_mute : {false, true}) {
    if (is_mute) make_mute(fake_);
    std::set<std::string> subjects;
    std::size_t lacks = 0;
    const Report whole = report();
    for (const Section& section : whole.sections) {
      for (const Finding& finding : section.findings) {
        EXPECT_TRUE(subjects.insert(finding.subject).second) << finding.subject;
        EXPECT_FALSE(finding.value.empty()) << finding.subject;
        if (finding.state != State::lack) continue;
        ++lacks;
        EXPECT_FALSE(finding.mend.empty()) << finding.subject;
        EXPECT_FALSE(finding.meaning.empty()) << finding.subject;
      }
    }
    for (const Ability& ability : whole.abilities) {
      EXPECT_FALSE(ability.how.empty()) << ability.name;
      if (ability.verdict == Verdict::no) {
        EXPECT_FALSE(ability.mend.empty()) << ability.name;
      }
    }
    EXPECT_EQ(lacks > 0, is_mute) << "a good server lacks nothing, a mute host much";
  }
}

TEST_F(ReportTest, AMendIsACommandOrAdvice) {
  make_mute(fake_);
  for (const Section& section : report().sections) {
    for (const Finding& finding : section.findings) {
      EXPECT_TRUE(finding.mend.command.empty() || finding.mend.advice.empty()) << finding.subject;
      EXPECT_THAT(finding.mend.command, Not(HasSubstr("\n"))) << finding.subject;
    }
  }
}

TEST_F(ReportTest, JsonHoldsWhatTheTextHolds) {
  fake_.live.tools = {"perf"};
  const auto json = to_json(report(), "1.2.3");
  EXPECT_EQ(json["format"], "shadowwalk-doctor-1");
  EXPECT_EQ(json["shadowwalk_version"], "1.2.3");
  EXPECT_FALSE(json.contains("topology"));
  std::size_t findings = 0;
  for (const Section& section : report().sections) findings += section.findings.size();
  EXPECT_EQ(json["findings"].size(), findings);
  for (const auto& finding : json["findings"]) {
    if (finding["subject"] == "tools") {
      EXPECT_EQ(finding["section"], "tracing");
      EXPECT_EQ(finding["state"], "note");
      EXPECT_EQ(finding["mend"]["command"], "apt-get install bpftrace");
    }
    if (finding["subject"] == "pmu") {
      EXPECT_TRUE(finding["mend"].is_null());
    }
  }
}

TEST_F(ReportTest, TextFitsATerminal) {
  make_mute(fake_);
  std::istringstream lines(to_text(report()));
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const bool is_command = line.find("$ ") != std::string::npos;
    if (!is_command) {
      EXPECT_LE(line.size(), 100u) << line;
    }
    EXPECT_THAT(line, Not(testing::EndsWith(" ")));
  }
  EXPECT_GT(count, 40u);
}

TEST_F(ReportTest, AMendIsWordedOnce) {
  fake_.live.pmu.unavailable = fake_.live.pmu.rdpmc_unavailable = "no such event";
  fake_.remove("/sys/bus/event_source/devices/cpu");
  fake_.live.hypervisor = "KVMKVMKVM";
  const std::string text = to_text(report());
  const std::size_t first = text.find("pmu=on");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("pmu=on", first + 1), std::string::npos);
  EXPECT_THAT(text, HasSubstr("> as for cacheline_contention"));
}

TEST_F(ReportTest, CommandsStayInOneLine) {
  make_unprivileged(fake_);
  fake_.remove("/sys/kernel/tracing/events");
  EXPECT_THAT(to_text(report()),
              HasSubstr("$ sudo mount -t tracefs -o mode=750,gid=$(id -g) nodev /sys/kernel/tracing\n"));
}

Topology three_cpus() {
  Topology topology;
  for (const unsigned cpu : {0u, 5u, 17u}) {
    topology.cpus.push_back({.cpu = cpu, .core = cpu, .sibling = 0, .llc = 0, .package = 0, .numa_node = 0});
  }
  topology.pairs = {{0, 5, Tier::llc, LineTransfer{21.25, 20, 23, 300}, ""},
                    {0, 17, Tier::llc, LineTransfer{30, 29, 31, 200}, ""},
                    {5, 17, Tier::llc, std::nullopt, "CPU 17 is taken"}};
  return topology;
}

TEST_F(ReportTest, MatrixOfTheTopology) {
  Report with_topology = report();
  with_topology.topology = three_cpus();
  const std::string text = to_text(with_topology);
  EXPECT_THAT(text, HasSubstr("    CPU      0      5\n"
                              "      5   21.2\n"
                              "     17   30.0      ?\n"));
  EXPECT_THAT(text, HasSubstr("same L3           2 pairs median    25.6   21.2 to 30.0\n"));
  EXPECT_THAT(text, HasSubstr("? 1 pair: CPU 17 is taken\n"));
}

TEST_F(ReportTest, JsonOfTheTopology) {
  Report with_topology = report();
  with_topology.topology = three_cpus();
  const auto json = to_json(with_topology, "1")["topology"];
  EXPECT_EQ(json["cpus"].size(), 3u);
  EXPECT_EQ(json["pairs"][0]["cpus"], nlohmann::ordered_json({0, 5}));
  EXPECT_EQ(json["pairs"][0]["tier"], "same L3");
  EXPECT_EQ(json["pairs"][0]["median_ns"], 21.25);
  EXPECT_EQ(json["pairs"][0]["q1_ns"], 20);
  EXPECT_EQ(json["pairs"][0]["q3_ns"], 23);
  EXPECT_EQ(json["pairs"][0]["batches"], 300);
  EXPECT_EQ(json["pairs"][2]["unavailable"], "CPU 17 is taken");
  EXPECT_FALSE(json["pairs"][2].contains("median_ns"));
  EXPECT_EQ(json["tiers"][0]["pairs"], 2);
}

TEST_F(ReportTest, AMatrixThatIsTooWideIsLeftToJson) {
  Report with_topology = report();
  std::vector<HardwareThread> cpus;
  for (unsigned cpu = 0; cpu < 33; ++cpu) {
    cpus.push_back({.cpu = cpu, .core = cpu, .sibling = 0, .llc = 0, .package = 0, .numa_node = 0});
  }
  const auto measure = [](unsigned, unsigned) { return LineTransfer{20, 19, 21, 5}; };
  with_topology.topology = measure_topology(cpus, measure);
  EXPECT_THAT(to_text(with_topology), HasSubstr("33 CPUs: the matrix is too wide to read"));
  EXPECT_THAT(to_text(with_topology), HasSubstr("same L3         528 pairs median    20.0"));
  cpus.pop_back();
  with_topology.topology = measure_topology(cpus, measure);
  EXPECT_THAT(to_text(with_topology), Not(HasSubstr("too wide")));
}

TEST_F(ReportTest, OneCpuIsToldToBeNoPair) {
  Report with_topology = report();
  with_topology.topology = Topology{.cpus = {{}}, .pairs = {}};
  EXPECT_THAT(to_text(with_topology), HasSubstr("one CPU: there is no pair to measure"));
}

}  // namespace
}  // namespace shadowwalk::doctor
