#include "harness/guest/access_ring.hpp"

#include <array>
#include <atomic>
#include <thread>

#include "tests/guest/guest_fixture.hpp"

namespace shadowwalk {
namespace {

using guest_abi::AccessRingHeader;
using test::cell_error;
using testing::AllOf;
using testing::HasSubstr;

constexpr unsigned kCapacity = 8;

class AccessRingTest : public testing::Test {
 protected:
  AccessRingHeader& header() { return *reinterpret_cast<AccessRingHeader*>(memory_.data()); }
  Access* entries() { return guest_abi::ring_entries(&header()); }
  std::string rejection() {
    return cell_error([&] { ring_.take(); });
  }

  alignas(AccessRingHeader) std::array<std::byte, AccessRing::bytes_for(kCapacity)> memory_{};
  AccessRing ring_{memory_.data(), kCapacity, 3};
};

TEST_F(AccessRingTest, CopiesEachPublishedBurst) {
  entries()[0] = Access::make(guest_abi::kWindowPages - 1, AccessKind::mmio);
  entries()[1] = Access::make(0, AccessKind::write);
  publish(header(), 2);
  auto burst = ring_.take();
  ASSERT_EQ(burst.size(), 2u);
  EXPECT_EQ(burst[0].gfn(), guest_abi::kWindowPages - 1);
  EXPECT_EQ(burst[0].kind(), AccessKind::mmio);
  EXPECT_EQ(burst[1].kind(), AccessKind::write);

  entries()[0] = Access::make(7, AccessKind::read);
  EXPECT_EQ(burst[0].kind(), AccessKind::mmio) << "the host's copy is not the guest's memory";
  publish(header(), kCapacity);
  burst = ring_.take();
  ASSERT_EQ(burst.size(), kCapacity);
  EXPECT_EQ(burst[0].gfn(), 7u);
}

TEST_F(AccessRingTest, RejectsLengthBeyondCapacity) {
  publish(header(), kCapacity + 1);
  EXPECT_THAT(rejection(), AllOf(HasSubstr("guest vCPU 3"), HasSubstr("ring length 9 is not in 1..8")));
}

TEST_F(AccessRingTest, RejectsLengthThatWouldOverflowAnAddress) {
  publish(header(), ~std::uint64_t{0} / sizeof(Access) + 2);
  EXPECT_THAT(rejection(), HasSubstr("ring length"));
}

TEST_F(AccessRingTest, RejectsEmptyBurst) {
  publish(header(), 0);
  EXPECT_THAT(rejection(), HasSubstr("ring length 0"));
}

TEST_F(AccessRingTest, RejectsCountThatDidNotMoveByTheLength) {
  publish(header(), 2);
  ring_.take();
  EXPECT_THAT(rejection(), AllOf(HasSubstr("ring count 2 after 2"), HasSubstr("burst of 2")));  // the same burst again
  publish(header(), 2);
  header().produced += 1;
  EXPECT_THAT(rejection(), HasSubstr("ring count 5 after 2"));
}

TEST_F(AccessRingTest, RejectsGfnBeyondTheWindow) {
  entries()[1] = Access::make(guest_abi::kWindowPages, AccessKind::read);
  publish(header(), 2);
  EXPECT_THAT(rejection(), AllOf(HasSubstr("guest vCPU 3"), HasSubstr("entry 1 of 2"), HasSubstr("gfn 0x1000000000")));
}

TEST_F(AccessRingTest, RejectsUnknownKind) {
  entries()[7] = Access{5 << 2 | 3};
  publish(header(), kCapacity);
  EXPECT_THAT(rejection(), AllOf(HasSubstr("entry 7 of 8"), HasSubstr("unknown kind 3")));
}

TEST_F(AccessRingTest, IgnoresWhatLiesBehindTheBurst) {
  entries()[1] = Access{~std::uint64_t{0}};
  publish(header(), 1);
  EXPECT_EQ(ring_.take().size(), 1u);
}

// The guest's other vCPUs rewrite the ring while the host reads it: what take() hands out was checked, or it threw.
TEST_F(AccessRingTest, ChangesUnderTheReaderNeverGetThrough) {
  constexpr int kRounds = 200'000;
  std::atomic<bool> stop{false};
  std::thread liar([&] {
    const auto store = [](std::uint64_t& word, std::uint64_t value) {
      std::atomic_ref(word).store(value, std::memory_order_relaxed);
    };
    for (std::uint64_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
      store(entries()[i % kCapacity].word, i % 3 == 0 ? ~i : Access::make(i % 1000, AccessKind::read).word);
      store(header().length, i % 5 == 0 ? i : 1 + i % kCapacity);
    }
  });
  int accepted = 0;
  std::uint64_t produced = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t claimed = produced + 1 + round % kCapacity;
    std::atomic_ref(header().produced).store(claimed, std::memory_order_relaxed);
    try {
      const auto burst = ring_.take();
      ++accepted;
      ASSERT_LE(burst.size(), kCapacity);
      for (const Access access : burst) {
        ASSERT_LT(access.gfn(), guest_abi::kWindowPages);
        ASSERT_LE(access.kind(), AccessKind::mmio);
      }
      produced = claimed;
    } catch (const CellError& error) {
      // The header was accepted if an entry was at fault.
      if (std::string_view(error.what()).find("ring entry") != std::string_view::npos) produced = claimed;
    }
  }
  stop.store(true, std::memory_order_relaxed);
  liar.join();
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace shadowwalk
