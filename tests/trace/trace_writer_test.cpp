#include "harness/trace/trace_writer.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>

#include "harness/machine/error.hpp"
#include "tests/trace/trace_fixture.hpp"

namespace shadowwalk::trace {
namespace {

TEST(TraceWriter, RefusesTimesThatGoBack) {
  const ScratchDirectory scratch;
  TraceWriter writer(scratch / "t", "");
  EXPECT_THROW(writer.write({1, 0, TraceKind::read_fault, 1, 1}), InputError) << "the first is not at 0";
  writer.write({0, 0, TraceKind::read_fault, 1, 1});
  writer.write({10, 0, TraceKind::read_fault, 1, 1});
  EXPECT_THROW(writer.write({9, 0, TraceKind::read_fault, 1, 1}), InputError);
  writer.write({10, 0, TraceKind::read_fault, 2, 1});
  writer.finish();
  TraceReader reader(scratch / "t");
  EXPECT_EQ(read_all(reader).size(), 3u) << "what was refused left no trace";
}

TEST(TraceWriter, RefusesWhatNoTraceMayHold) {
  const ScratchDirectory scratch;
  TraceWriter writer(scratch / "t", "");
  EXPECT_THROW(writer.write({0, 0, static_cast<TraceKind>(0), 1, 1}), InputError);
  EXPECT_THROW(writer.write({0, 0, static_cast<TraceKind>(kMaxTraceKind + 1), 1, 1}), InputError);
  EXPECT_THROW(writer.write({0, kMaxTraceVcpus, TraceKind::read_fault, 1, 1}), InputError);
  EXPECT_THROW(writer.write({0, 0, TraceKind::read_fault, kTraceGfnLimit + 1, 1}), InputError);
  EXPECT_THROW(writer.write({0, 0, TraceKind::zap_page, 0, kTraceGfnLimit + 1}), InputError);
}

TEST(TraceWriter, LeavesNothingUnlessItIsFinished) {
  const ScratchDirectory scratch;
  {
    TraceWriter writer(scratch / "t", "");
    writer.write({0, 0, TraceKind::read_fault, 1, 1});
    EXPECT_FALSE(std::filesystem::exists(scratch / "t"));
  }
  EXPECT_EQ(scratch.files(), 0u);
}

TEST(TraceWriter, KeepsTheOldFileUntilTheNewOneIsWhole) {
  const ScratchDirectory scratch;
  TraceWriter(scratch / "t", "old").finish();
  { TraceWriter abandoned(scratch / "t", "new"); }
  EXPECT_EQ(TraceReader(scratch / "t").source(), "old");
  TraceWriter(scratch / "t", "new").finish();
  EXPECT_EQ(TraceReader(scratch / "t").source(), "new");
  EXPECT_EQ(scratch.files(), 1u);
}

TEST(TraceWriter, SaysWhereItCannotWrite) {
  const ScratchDirectory scratch;
  EXPECT_THROW(TraceWriter(scratch / "none" / "t", ""), InputError);
  EXPECT_THROW(TraceWriter("/", ""), InputError);
  EXPECT_THROW(TraceWriter("", ""), InputError);
}

TEST(TraceWriter, LeavesNothingOnADiskThatIsFull) {
  const ScratchDirectory scratch;
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tiny{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &tiny);
  EXPECT_THROW(
      {
        TraceWriter writer(scratch / "t", std::string(900, 'x'));
        for (std::uint64_t i = 0; i < 100'000; ++i) {
          writer.write({i * i, 0, TraceKind::read_fault, i * 7919 % 65536, 1});
        }
        writer.finish();
      },
      InputError);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, previous);
  EXPECT_EQ(scratch.files(), 0u);
}

TEST(TraceWriter, CutsALongSourceOff) {
  const std::string bytes = trace_bytes({}, std::string(10'000, 's'));
  EXPECT_EQ(reader_of(bytes).source(), std::string(4096, 's'));
}

}  // namespace
}  // namespace shadowwalk::trace
