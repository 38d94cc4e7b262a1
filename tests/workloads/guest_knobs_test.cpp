#include "workloads/guest_knobs.hpp"

#include <gmock/gmock.h>

#include <span>

#include "harness/guest/guest.hpp"
#include "harness/machine/error.hpp"
#include "workloads/workload.hpp"
#include "workloads/workload_file.hpp"

namespace shadowwalk {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::vector<AccessStream> streams_of(const GuestParams& params) {
  std::vector<AccessStream> streams;
  for (const AccessPhase& phase : std::span(params.phases, params.phase_count)) {
    streams.insert(streams.end(), phase.streams, phase.streams + phase.stream_count);
  }
  return streams;
}

std::vector<AccessStream> streams_of(std::string_view workload, const GuestKnobs& knobs) {
  return streams_of(guest_params(*find_workload(workload), knobs));
}

std::string refusal(std::string_view workload, const GuestKnobs& knobs) {
  try {
    guest_params(*find_workload(workload), knobs);
  } catch (const InputError& error) {
    return error.what();
  }
  return "not refused";
}

TEST(LocalityKnob, IsReadAsItIsWritten) {
  for (const char* text : {"uniform", "stride:1", "stride:68719476736", "zipf:0.99", "zipf:4"}) {
    ASSERT_TRUE(parse_locality(text)) << text;
    EXPECT_EQ(to_string(*parse_locality(text)), text);
  }
  for (const char* text : {"", "zipf", "stride", "stride:", "stride:1x", "stride:-1", "zipf:", "zipf:1e", "uniform:1",
                           "growth", "churn:1"}) {
    EXPECT_FALSE(parse_locality(text)) << text;
  }
}

TEST(GuestKnobs, LocalityTurnsEachStreamThatPicksPages) {
  for (const char* text : {"uniform", "stride:3", "zipf:1.5"}) {
    const LocalityKnob knob = *parse_locality(text);
    for (const char* name : {"mmio-poll", "memslot-flip", "idle-vcpus"}) {
      for (const AccessStream& stream : streams_of(name, {.working_set = 1000, .locality = knob})) {
        EXPECT_EQ(stream.locality, knob.locality) << name << text;
        EXPECT_EQ(stream.stride, knob.stride) << name << text;
      }
    }
  }
  // uniform, zipf and stride are turned, churn is what it was.
  const auto mix = streams_of("mix", {.working_set = 10'000, .locality = parse_locality("stride:7")});
  ASSERT_EQ(mix.size(), 4u);
  EXPECT_EQ(mix[0].locality, Locality::stride);
  EXPECT_EQ(mix[1].locality, Locality::stride);
  EXPECT_EQ(mix[2].locality, Locality::churn);
  EXPECT_EQ(mix[3].stride, 7u);
}

TEST(GuestKnobs, ZipfTakesTheSkewThatWasAskedFor) {
  const auto table = [](const char* text) {
    return guest_params(*find_workload("memslot-flip"), {.working_set = 1000, .locality = parse_locality(text)}).zipf;
  };
  EXPECT_EQ(table("zipf:2").pages, 1000u);
  EXPECT_EQ(table("uniform").pages, 0u);
  EXPECT_NE(table("zipf:2").buckets[0].alias * 0x1p32 + table("zipf:2").buckets[999 % 64].keep,
            table("zipf:0.5").buckets[0].alias * 0x1p32 + table("zipf:0.5").buckets[999 % 64].keep);
}

TEST(GuestKnobs, WritesAreAShareOfEachStreamsRam) {
  for (const char* name : {"memslot-flip", "dirty-log-converging", "demand-fault", "pagetable-churn", "quota"}) {
    for (const AccessStream& stream : streams_of(name, {.write_percent = 71})) {
      EXPECT_EQ(stream.write_percent, 71u) << name;
    }
  }
  const auto mix = streams_of("mix", {.write_percent = 0});
  for (const AccessStream& stream : mix) EXPECT_EQ(stream.write_percent, 0u);
  EXPECT_EQ(mix[1].mmio_percent, 100u) << "device accesses stay what they are";
}

TEST(GuestKnobs, WithoutThemTheWorkloadHolds) {
  const auto quota = streams_of("quota", {.working_set = 262144});
  EXPECT_EQ(quota[0].locality, Locality::stride);
  EXPECT_EQ(quota[0].stride, 509u);
  EXPECT_EQ(quota[0].write_percent, 30u);
  EXPECT_EQ(quota[1].locality, Locality::uniform);
}

TEST(GuestKnobs, WhatHasNothingToChangeIsRefusedAndSaysWhy) {
  for (const char* name : {"demand-fault", "pagetable-churn"}) {
    EXPECT_THAT(refusal(name, {.working_set = 65536, .locality = LocalityKnob{}}),
                AllOf(HasSubstr("--locality uniform: workload '" + std::string(name) + "'"),
                      HasSubstr("growth and churn streams only"), HasSubstr("leave --locality out")));
  }
  EXPECT_EQ(refusal("mmio-poll", {.write_percent = 30}),
            "--writes 30: workload 'mmio-poll' makes no accesses to RAM, only to devices; leave --writes out");
}

TEST(GuestKnobs, WhatDoesNotFitTheStreamsIsRefused) {
  EXPECT_EQ(refusal("memslot-flip", {.working_set = 100, .locality = parse_locality("stride:100")}), "not refused");
  EXPECT_THAT(refusal("memslot-flip", {.working_set = 100, .locality = parse_locality("stride:101")}),
              AllOf(HasSubstr("a stream of 100 pages"), HasSubstr("stride:1 to stride:100")));
  const std::string small = "[[guest.phase.stream]]\npages_percent = 10\n";
  const std::string large = "[[guest.phase.stream]]\n";
  for (const std::string& streams : {small + large, large + small}) {
    const Workload own = parse_workload("name = \"own\"\n[[guest.phase]]\n" + streams, "own.toml");
    EXPECT_NO_THROW(guest_params(own, {.working_set = 1000, .locality = parse_locality("stride:100")}));
    EXPECT_THROW(guest_params(own, {.working_set = 1000, .locality = parse_locality("stride:101")}), InputError);
    EXPECT_THROW(guest_params(own, {.working_set = 1000, .locality = parse_locality("zipf:1")}), InputError);
  }
  EXPECT_THAT(refusal("memslot-flip", {.locality = parse_locality("stride:0")}), HasSubstr("stride:1 to"));
  EXPECT_THAT(refusal("memslot-flip", {.locality = parse_locality("zipf:0")}), HasSubstr("0 < skew <= 4"));
  EXPECT_THAT(refusal("memslot-flip", {.locality = parse_locality("zipf:4.1")}), HasSubstr("0 < skew <= 4"));
  EXPECT_THAT(refusal("quota", {.working_set = 1000, .locality = parse_locality("zipf:1")}),
              AllOf(HasSubstr("streams of 100 and of 1000 pages"), HasSubstr("share one size")));
}

// Whatever is asked for, a guest starts with what comes out, or the user reads one line.
TEST(GuestKnobs, EveryWorkloadTakesAKnobOrRefusesItInOneLine) {
  for (const Workload& workload : workloads()) {
    for (const char* text : {"uniform", "stride:3", "stride:40", "zipf:0.5", "zipf:4"}) {
      for (const unsigned writes : {0u, 100u}) {
        for (const std::uint64_t pages : {1ull, 400ull, 65536ull}) {
          const GuestKnobs knobs{.working_set = pages, .locality = parse_locality(text), .write_percent = writes};
          SCOPED_TRACE(workload.name + " " + text);
          try {
            check_guest({.params = guest_params(workload, knobs)});
          } catch (const InputError& error) {
            EXPECT_THAT(error.what(), AllOf(HasSubstr("'" + workload.name + "'"), Not(HasSubstr("\n"))));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace shadowwalk
