#include "workloads/workload_file.hpp"

#include <gmock/gmock.h>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::string_view kWhole = R"(
name = "everything-at-once"
summary = "s"
stresses = "t"
working_set = 1024
[guest]
does = "g"
requires_events = ["flood_zaps_total"]
zipf_skew = 1.2
active_vcpus = 2
idle = "50ms"
vcpus_per_cpu = 3
stall = "1ms"
stall_every = "4ms"
[[guest.phase]]
accesses = 100
idle = "10us"
[[guest.phase.stream]]
weight = 2
locality = "zipf"
write_percent = 10
mmio_percent = 20
first_percent = 25
pages_percent = 75
[[guest.phase.stream]]
locality = "churn"
processes = 9
touches = 77
[[guest.phase]]
[[guest.phase.stream]]
locality = "growth"
first_touch_one_in = 5
[host]
does = "h"
quota_percent = 30
requires_events = ["zaps_total"]
[[host.action]]
kind = "zap-oldest"
level = 2
weight = 7
[[host.action]]
kind = "shrink"
pages = 12
)";

TEST(WorkloadFile, EveryKeyArrives) {
  const Workload workload = parse_workload(kWhole, "my.toml");
  EXPECT_EQ(workload.name, "everything-at-once");
  EXPECT_EQ(workload.summary + workload.stresses + workload.guest_part + workload.host_part, "stgh");
  EXPECT_EQ(workload.working_set, 1024u);
  EXPECT_THAT(workload.guest_requires_events, testing::ElementsAre("flood_zaps_total"));
  EXPECT_THAT(workload.host_requires_events, testing::ElementsAre("zaps_total"));
  EXPECT_EQ(workload.zipf_skew, 1.2);
  EXPECT_EQ(workload.active_vcpus, 2u);
  EXPECT_EQ(workload.idle, 50ms);
  EXPECT_EQ(workload.vcpus_per_cpu, 3u);
  EXPECT_EQ(workload.stall.time, 1ms);
  EXPECT_EQ(workload.stall.every, 4ms);
  EXPECT_EQ(workload.quota_percent, 30u);
  ASSERT_EQ(workload.phases.size(), 2u);
  EXPECT_EQ(workload.phases[0].accesses, 100u);
  EXPECT_EQ(workload.phases[0].idle, 10us);
  ASSERT_EQ(workload.phases[0].streams.size(), 2u);
  const StreamShape& zipf = workload.phases[0].streams[0];
  EXPECT_EQ(zipf.stream.weight, 2u);
  EXPECT_EQ(zipf.stream.locality, Locality::zipf);
  EXPECT_EQ(zipf.stream.write_percent, 10u);
  EXPECT_EQ(zipf.stream.mmio_percent, 20u);
  EXPECT_EQ(zipf.first_percent, 25);
  EXPECT_EQ(zipf.pages_percent, 75);
  EXPECT_EQ(workload.phases[0].streams[1].stream.processes, 9u);
  EXPECT_EQ(workload.phases[0].streams[1].stream.touches, 77u);
  EXPECT_EQ(workload.phases[1].accesses, 0u);
  EXPECT_EQ(workload.phases[1].streams[0].stream.first_touch_one_in, 5u);
  ASSERT_EQ(workload.host.size(), 2u);
  EXPECT_EQ(workload.host[0].kind, HostAction::Kind::zap_oldest);
  EXPECT_EQ(workload.host[0].level, 2);
  EXPECT_EQ(workload.host[0].weight, 7u);
  EXPECT_EQ(workload.host[1].kind, HostAction::Kind::shrink);
  EXPECT_EQ(workload.host[1].pages, 12u);
}

std::string complaint(std::string text) {
  try {
    parse_workload(text, "my.toml");
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

/// kWhole with one piece of text put in another's place.
std::string with(std::string_view old_text, std::string_view new_text) {
  std::string text(kWhole);
  const std::size_t at = text.find(old_text);
  EXPECT_NE(at, text.npos) << old_text;
  return text.replace(at, old_text.size(), new_text);
}

TEST(WorkloadFile, ComplaintsSayWhereAndWhatToDo) {
  EXPECT_EQ(complaint(std::string(kWhole)), "none");
  EXPECT_EQ(complaint(with("weight = 2", "wait = 2")),
            "my.toml:19:1: unknown key 'wait'; known: weight locality write_percent mmio_percent first_percent "
            "pages_percent stride first_touch_one_in processes touches");
  EXPECT_EQ(complaint(with("requires_events = [\"z", "must_cause = [\"z")),
            "my.toml:36:1: the key 'must_cause' is called 'requires_events' now; rename it");
  EXPECT_THAT(complaint(with("\"zipf\"", "\"zip\"")), HasSubstr("'locality' is 'zip', did you mean 'zipf'?"));
  EXPECT_THAT(complaint(with("\"zap-oldest\"", "\"zap\"")), HasSubstr("known: zap-oldest zap-everything"));
  EXPECT_THAT(complaint(with("write_percent = 10", "write_percent = 101")), HasSubstr("must be from 0 to 100"));
  EXPECT_THAT(complaint(with("pages_percent = 75", "pages_percent = 76")), HasSubstr("within 0 to 100"));
  EXPECT_THAT(complaint(with("pages = 12", "")), HasSubstr("needs 'pages'"));
  EXPECT_THAT(complaint(with("level = 2", "pages = 2")), HasSubstr("takes no 'pages'"));
  EXPECT_THAT(complaint(with("kind = \"shrink\"", "")), HasSubstr("has no kind"));
  EXPECT_THAT(complaint(with("idle = \"10us\"", "idle = \"2s\"")), HasSubstr("at most 1000 ms"));
  EXPECT_THAT(complaint(with("idle = \"10us\"", "idle = \"soon\"")), HasSubstr("such as \"500us\""));
  EXPECT_THAT(complaint(with("stall_every = \"4ms\"", "")), HasSubstr("go together"));
  EXPECT_THAT(complaint(with("idle = \"50ms\"", "")), HasSubstr("go together"));
  EXPECT_THAT(complaint(with("zipf_skew = 1.2", "zipf_skew = 0")), HasSubstr("above 0 and at most 4"));
  EXPECT_THAT(complaint(with("name = \"everything-at-once\"", "")), HasSubstr("needs a name"));
  EXPECT_THAT(complaint(with("everything-at-once", "a/b")), HasSubstr("needs a name"));
  EXPECT_THAT(complaint("name = \"a\"\n"), HasSubstr("the guest does nothing"));
  EXPECT_THAT(complaint("name = \"a\"\n[[guest.phase]]\n"), HasSubstr("1 to 4 streams"));
}

TEST(WorkloadFile, AGuestHasFewPhases) {
  std::string text = "name = \"a\"\n";
  for (int i = 0; i < 5; ++i) text += "[[guest.phase]]\naccesses = 1\n[[guest.phase.stream]]\n";
  EXPECT_THAT(complaint(text), HasSubstr("5 phases; a guest has at most 4"));
}

}  // namespace
}  // namespace shadowwalk
