#include "harness/measure/shared_counters.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>

namespace shadowwalk {
namespace {

std::string why_unreadable(pid_t pid, int fd) {
  try {
    ForeignCounters counters(pid, fd);
    return "readable";
  } catch (const ForeignCounters::Unreadable& error) {
    return error.what();
  }
}

TEST(SharedCounters, OthersSeeWhatIsCounted) {
  SharedCounters shared;
  ASSERT_GE(shared.fd(), 0) << shared.why_private();
  shared.counters().begin(2, 1);
  const ForeignCounters seen(getpid(), shared.fd());
  EXPECT_EQ(seen.counters().vcpus.load(), 2u);
  EXPECT_NE(&seen.counters(), &shared.counters());

  shared.counters().vcpu(1).walks.store(7);
  shared.counters().zapper(0).zaps.store(3);
  shared.counters().ipis.ns.record(1000);
  EXPECT_EQ(seen.counters().threads[1].walks.load(), 7u);
  EXPECT_EQ(seen.counters().threads[2].zaps.load(), 3u) << "zappers come after the vCPUs";
  EXPECT_EQ(seen.counters().ipis.ns.snapshot().count(), 1u);

  shared.counters().begin(1, 0);
  EXPECT_EQ(seen.counters().threads[1].walks.load(), 0u) << "another cell begins at zero";
}

TEST(SharedCounters, StayReadableWhenTheProcessHasUnmappedThem) {
  auto shared = std::make_unique<SharedCounters>();
  ASSERT_GE(shared->fd(), 0);
  const ForeignCounters seen(getpid(), shared->fd());
  shared->counters().ipis.total.store(5);
  shared.reset();
  EXPECT_EQ(seen.counters().ipis.total.load(), 5u);
}

TEST(SharedCounters, CannotBeShrunkUnderAReader) {
  SharedCounters shared;
  ASSERT_GE(shared.fd(), 0);
  EXPECT_NE(ftruncate(shared.fd(), 0), 0);
  EXPECT_NE(fcntl(shared.fd(), F_ADD_SEALS, F_SEAL_WRITE), 0) << "nor sealed further";
}

TEST(ForeignCounters, SayWhatIsWrong) {
  SharedCounters shared;
  EXPECT_NE(why_unreadable(0x3fffffff, 3).find("has ended"), std::string::npos);
  const int other = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  ASSERT_GE(other, 0);
  EXPECT_NE(why_unreadable(getpid(), other).find("another build"), std::string::npos) << "of another size";
  // Of the right size, sealed, and with nothing that we know in it.
  ASSERT_EQ(ftruncate(other, lseek(shared.fd(), 0, SEEK_END)), 0);
  EXPECT_NE(why_unreadable(getpid(), other).find("another build"), std::string::npos) << "not sealed";
  ASSERT_EQ(fcntl(other, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
  EXPECT_NE(why_unreadable(getpid(), other).find("another build"), std::string::npos) << "another stamp";
  close(other);
}

}  // namespace
}  // namespace shadowwalk
