#include "harness/measure/pmu/event_encoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/pmu/encode.hpp"
#include "tests/pmu/fake_tree.hpp"

namespace shadowwalk::pmu {
namespace {

using test::encode;
using testing::HasSubstr;

std::string refused(const std::string& event, const SystemPaths& paths = {}) {
  auto result = encode_event(event, paths);
  if (const auto* refusal = std::get_if<Refusal>(&result)) return refusal->reason;
  return "not refused";
}

TEST(EventEncoder, GenericEventsCountUserCodeOfTheHost) {
  const EncodedEvent cycles = encode("cycles");
  EXPECT_EQ(cycles.attributes.type, static_cast<unsigned>(PERF_TYPE_HARDWARE));
  EXPECT_EQ(cycles.attributes.config, static_cast<unsigned>(PERF_COUNT_HW_CPU_CYCLES));
  EXPECT_EQ(cycles.kind, EventKind::core);
  EXPECT_FALSE(cycles.attributes.exclude_user);
  EXPECT_TRUE(cycles.attributes.exclude_kernel);
  EXPECT_TRUE(cycles.attributes.exclude_hv);
  EXPECT_TRUE(cycles.attributes.exclude_guest);
  EXPECT_EQ(cycles.encoded, "perf::PERF_COUNT_HW_CPU_CYCLES:u");
}

TEST(EventEncoder, ModifiersInOneOrInSeveralParts) {
  for (const char* text : {"cycles:uk", "cycles:u:k"}) {
    const EncodedEvent cycles = encode(text);
    EXPECT_FALSE(cycles.attributes.exclude_user) << text;
    EXPECT_FALSE(cycles.attributes.exclude_kernel) << text;
    EXPECT_TRUE(cycles.attributes.exclude_hv) << text;
    EXPECT_EQ(cycles.name, text);
    EXPECT_EQ(cycles.encoded, "perf::PERF_COUNT_HW_CPU_CYCLES:uk");
  }
  EXPECT_TRUE(encode("cycles:k").attributes.exclude_user);
  EXPECT_FALSE(encode("cycles:G").attributes.exclude_guest);
}

TEST(EventEncoder, SwitchesHappenInTheKernel) {
  for (const char* text : {"context-switches", "cs", "cpu-migrations"}) {
    const EncodedEvent event = encode(text);
    EXPECT_EQ(event.kind, EventKind::software);
    EXPECT_FALSE(event.attributes.exclude_kernel) << text << " would always be 0";
  }
  EXPECT_THAT(refused("context-switches:u"), HasSubstr("always be 0"));
  EXPECT_TRUE(encode("page-faults").attributes.exclude_kernel);
  EXPECT_FALSE(encode("page-faults").attributes.exclude_guest);
}

TEST(EventEncoder, OfKernelThreadsKernelCodeIsCounted) {
  const auto encoded = [](const char* text) { return encode_event(text, {}, CountedCode::kernel); };
  for (const char* text : {"cycles", "cycles:k", "page-faults", "context-switches"}) {
    const auto result = encoded(text);
    ASSERT_TRUE(std::holds_alternative<EncodedEvent>(result)) << text;
    const EncodedEvent& event = std::get<EncodedEvent>(result);
    EXPECT_TRUE(event.attributes.exclude_user) << text;
    EXPECT_FALSE(event.attributes.exclude_kernel) << text;
    EXPECT_EQ(event.name, text);
  }
  EXPECT_EQ(std::get<EncodedEvent>(encoded("cycles")).encoded, "perf::PERF_COUNT_HW_CPU_CYCLES:k");
  for (const char* text : {"cycles:u", "page-faults:u", "context-switches:u"}) {
    const auto result = encoded(text);
    ASSERT_TRUE(std::holds_alternative<Refusal>(result)) << text;
    EXPECT_THAT(std::get<Refusal>(result).reason, HasSubstr("always be 0")) << text;
  }
}

TEST(EventEncoder, UnknownEventsAreNamedWithARemedy) {
  EXPECT_THAT(refused("nonsense"), HasSubstr("list events"));
  EXPECT_THAT(refused("NONSENSE:MASK"), HasSubstr("libpfm4 knows no such event"));
}

TEST(EventEncoder, TracepointsThroughTracefs) {
  FakeTree tree;
  EXPECT_THAT(refused("kvm:kvm_exit", tree.paths), HasSubstr("mount -t tracefs"));
  tree.write("tracing/events/kvm/kvm_exit/id", "1234");
  const EncodedEvent event = encode("kvm:kvm_exit", tree.paths);
  EXPECT_EQ(event.attributes.type, static_cast<unsigned>(PERF_TYPE_TRACEPOINT));
  EXPECT_EQ(event.attributes.config, 1234u);
  EXPECT_EQ(event.kind, EventKind::tracepoint);
  EXPECT_FALSE(event.attributes.exclude_kernel) << "a tracepoint fires in the kernel";
  EXPECT_THAT(refused("kvm:kvm_exti", tree.paths), HasSubstr("no such tracepoint"));
  EXPECT_THAT(refused("..:kvm", tree.paths), HasSubstr("not a tracepoint"));
  EXPECT_TRUE(encode("kvm:kvm_exit:u", tree.paths).attributes.exclude_kernel);
}

TEST(EventEncoder, TracefsAtItsOldPlace) {
  FakeTree tree;
  tree.paths.tracefs = {tree.root() / "tracing", tree.root() / "debug"};
  tree.write("debug/events/sched/sched_switch/id", "77");
  EXPECT_EQ(encode("sched:sched_switch", tree.paths).attributes.config, 77u);
}

TEST(EventEncoder, RealMsrPmu) {
  if (access("/sys/bus/event_source/devices/msr/events/tsc", R_OK) != 0) GTEST_SKIP() << "no msr PMU with tsc here";
  const EncodedEvent event = encode("msr/tsc/");
  EXPECT_EQ(event.kind, EventKind::device);
  EXPECT_EQ(event.name, "msr/tsc/");
  EXPECT_EQ(event.encoded, "msr/config=0x0/");
}

TEST(EventEncoder, ASelectionKeepsItsOrderAndNamesWhatIsRefused) {
  const auto encoded = encode_selection(
      {{"task-clock", "nonsense", "gpu/name=mine/"}, {{"task-clock", "default"}}, {{"contention", "why"}}});
  ASSERT_EQ(encoded.events.size(), 1u);
  EXPECT_EQ(encoded.events[0].name, "task-clock");
  EXPECT_EQ(encoded.events[0].set, "default");
  ASSERT_EQ(encoded.refused.size(), 3u);
  EXPECT_EQ(encoded.refused[0].event, "contention");
  EXPECT_EQ(encoded.refused[1].event, "nonsense");
  EXPECT_EQ(encoded.refused[2].event, "mine");
}

TEST(EventEncoder, OneNameIsOneEvent) {
  FakeTree tree;
  tree.add_core_pmu();
  const auto encoded = encode_selection({{"cpu/event=1,name=x/", "cpu/event=2,name=x/"}, {}, {}}, tree.paths);
  ASSERT_EQ(encoded.events.size(), 1u);
  EXPECT_EQ(encoded.events[0].attributes.config, 1u);
  ASSERT_EQ(encoded.refused.size(), 1u);
  EXPECT_EQ(encoded.refused[0].event, "cpu/event=2,name=x/");
  EXPECT_THAT(encoded.refused[0].reason, HasSubstr("already called x"));
}

}  // namespace
}  // namespace shadowwalk::pmu
