#include "harness/guest/access_ring.hpp"

#include <array>
#include <atomic>
#include <stop_token>
#include <string_view>
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

TEST_F(AccessRingTest, KnowsAllFourKinds) {
  for (std::uint64_t kind = 0; kind < 4; ++kind) entries()[kind] = Access{5 << 2 | kind};
  publish(header(), 4);
  const auto burst = ring_.take();
  EXPECT_EQ(burst[0].kind(), AccessKind::read);
  EXPECT_EQ(burst[1].kind(), AccessKind::write);
  EXPECT_EQ(burst[2].kind(), AccessKind::mmio);
  EXPECT_EQ(burst[3].kind(), AccessKind::page_table_write);
  for (const Access access : burst) EXPECT_EQ(access.gfn(), 5u);
}

TEST_F(AccessRingTest, TellsHowLongTheGuestHaltsAfterTheLastBurst) {
  EXPECT_EQ(ring_.idle_us(), 0u);
  publish(header(), 1, guest_abi::kMaxIdleUs);
  ring_.take();
  EXPECT_EQ(ring_.idle_us(), guest_abi::kMaxIdleUs);
  header().idle_us = 7;
  EXPECT_EQ(ring_.idle_us(), guest_abi::kMaxIdleUs) << "the host's copy is not the guest's memory";
  publish(header(), 1);
  ring_.take();
  EXPECT_EQ(ring_.idle_us(), 0u);
}

TEST_F(AccessRingTest, RejectsAnIdleTimeBeyondASecond) {
  for (const std::uint64_t idle : {guest_abi::kMaxIdleUs + 1, ~std::uint64_t{0}}) {
    publish(header(), 1, idle);
    EXPECT_THAT(rejection(), AllOf(HasSubstr("guest vCPU 3"), HasSubstr("ring idle time of " + std::to_string(idle)),
                                   HasSubstr("beyond 1000000")));
    header().produced -= 1;
  }
}

TEST_F(AccessRingTest, IgnoresWhatLiesBehindTheBurst) {
  entries()[1] = Access{~std::uint64_t{0}};
  publish(header(), 1);
  EXPECT_EQ(ring_.take().size(), 1u);
}

// The guest's other vCPUs rewrite the ring while the host reads it: what take() hands out was checked, or it threw.
// The liar flips one word between a good and a bad value, so that a second read of it would often see the other one.
class ChangingRing : public AccessRingTest {
 protected:
  void read_while_flipping(std::uint64_t& word, std::uint64_t good, std::uint64_t bad) {
    std::jthread liar([&word, good, bad](std::stop_token stop) {
      while (!stop.stop_requested()) {
        std::atomic_ref(word).store(bad, std::memory_order_relaxed);
        std::atomic_ref(word).store(good, std::memory_order_relaxed);
      }
    });
    // Until either value was met often: how long that takes is the scheduler's affair.
    constexpr int kOften = 50'000;
    int accepted = 0;
    int rejected = 0;
    std::uint64_t produced = 0;
    while ((accepted < kOften || rejected < kOften) && !HasFailure()) {
      std::atomic_ref(header().produced).store(produced + kCapacity, std::memory_order_relaxed);
      // The store took the header's cache line from the liar: reads right after it could not meet a change.
      for (int i = (accepted + rejected) % 256; i > 0; --i) std::atomic_signal_fence(std::memory_order_seq_cst);
      try {
        const auto burst = ring_.take();
        EXPECT_EQ(burst.size(), kCapacity);
        for (const Access access : burst) EXPECT_EQ(access.word, good_entry_);
        EXPECT_LE(ring_.idle_us(), guest_abi::kMaxIdleUs);
        ++accepted;
        produced += kCapacity;
      } catch (const CellError& error) {
        ++rejected;
        const bool header_was_good = std::string_view(error.what()).find("ring entry") != std::string_view::npos;
        if (header_was_good) produced += kCapacity;
      }
    }
  }

  const std::uint64_t good_entry_ = Access::make(77, AccessKind::read).word;
};

TEST_F(ChangingRing, NoEntryGetsPastTheCheck) {
  for (unsigned i = 0; i < kCapacity; ++i) entries()[i].word = good_entry_;
  std::atomic_ref(header().length).store(kCapacity);
  read_while_flipping(entries()[3].word, good_entry_, ~std::uint64_t{0});
}

TEST_F(ChangingRing, NoLengthGetsPastTheCheck) {
  for (unsigned i = 0; i < kCapacity; ++i) entries()[i].word = good_entry_;
  std::atomic_ref(header().length).store(kCapacity);
  read_while_flipping(header().length, kCapacity, kCapacity + 1);
}

TEST_F(ChangingRing, NoIdleTimeGetsPastTheCheck) {
  for (unsigned i = 0; i < kCapacity; ++i) entries()[i].word = good_entry_;
  std::atomic_ref(header().length).store(kCapacity);
  read_while_flipping(header().idle_us, 17, guest_abi::kMaxIdleUs + 1);
}

}  // namespace
}  // namespace shadowwalk
