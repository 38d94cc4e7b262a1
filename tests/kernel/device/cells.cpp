#include <bit>
#include <cerrno>
#include <cstdio>
#include <iterator>

#include "harness/guest/guest.hpp"
#include "tests/kernel/device/support.hpp"
#include "workloads/guest/produce_accesses.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::kernel {
namespace {

using Cells = OnDevice;

/// A short window may pass without a walk or a zap beside other load: then it is longer the next time. A fast CPU may
/// unlink all pages of the pool while an emulated kernel ends no grace period: then it has more.
std::unique_ptr<shadowwalk_result> result_of_work(const RawDevice& device, shadowwalk_request asked) {
  constexpr int kTries = 6;
  constexpr std::uint64_t kMostPoolPages = 1 << 16;  // 256 MiB, half of the machine's
  std::unique_ptr<shadowwalk_result> result;
  for (int i = 0; i < kTries; ++i) {
    result = device.result_of(asked);
    if (result == nullptr) {
      if (asked.pool_pages == kMostPoolPages || device.why().find("pool is exhausted") == std::string::npos) break;
      asked.pool_pages *= 4;
    } else if (result->walks_total != 0 && result->footprint.unlinked.total != 0) {
      break;
    } else {
      asked.duration_ns *= 4;
    }
  }
  return result;
}

void expect_balance(const shadowwalk_result& result) {
  EXPECT_NE(result.walks_total, 0u);
  const shadowwalk_footprint& pages = result.footprint;
  EXPECT_NE(pages.unlinked.total, 0u) << "nothing was zapped";
  EXPECT_EQ(pages.unlinked.total, pages.freed.total) << "zapped is not freed";
  EXPECT_EQ(pages.allocated.total, pages.freed.total) << "allocated is not freed";
  EXPECT_EQ(pages.deferred.total, pages.freed_deferred.total) << "deferred is not freed";
  EXPECT_EQ(result.pages_left, 0u);
  EXPECT_EQ(result.bytes_leaked, 0u);
}

/// Stalls within walks, and zaps enough to meet them.
void help_to_fail(shadowwalk_request& asked) {
  asked.read_delay = {.one_in = 100, .stall_ns = 100'000, .every_ns = 0};
  asked.zap_rate = std::max<std::uint64_t>(asked.zap_rate, 1000);
}

std::uint64_t violations_of(const RawDevice& device, const shadowwalk_variant& variant) {
  constexpr int kTries = 10;
  const bool must_be_caught = std::string_view(variant.name) == "unsafe";
  std::uint64_t violations = 0;
  for (int i = 0; i < (must_be_caught ? kTries : 1) && violations == 0; ++i) {
    shadowwalk_request asked = small_request(variant.name, device.cpus());
    asked.duration_ns = must_be_caught ? 1'000'000'000 : 100'000'000;
    help_to_fail(asked);
    asked.zap_rate = 3000;
    if ((variant.flags & SHADOWWALK_VARIANT_NEEDS_MUTEX) != 0) asked.mmu_lock = SHADOWWALK_LOCK_MUTEX;
    const auto result = device.result_of(asked);
    if (result != nullptr) violations = result->violations;
  }
  return violations;
}

TEST_F(Cells, EverySchemeFreesAllThatItZapsAndNoneOfItTooEarly) {
  const RawDevice device;
  for (const shadowwalk_variant& variant : device.variants()) {
    if ((variant.flags & SHADOWWALK_VARIANT_RUNS) == 0) {
      shadowwalk_request refused = small_request(variant.name, device.cpus());
      EXPECT_EQ(device.run(refused), EOPNOTSUPP) << variant.name;
      EXPECT_THAT(device.why(), testing::HasSubstr(variant.why_not));
      continue;
    }
    const bool safe = (variant.flags & SHADOWWALK_VARIANT_SAFE) != 0;
    for (const SmallCell& cell : small_cells()) {
      SCOPED_TRACE(std::string(variant.name) + "/" + cell.name);
      shadowwalk_request asked = small_request(variant.name, device.cpus());
      cell.change(asked);
      if (!safe) help_to_fail(asked);
      if ((variant.flags & SHADOWWALK_VARIANT_NEEDS_MUTEX) != 0) asked.mmu_lock = SHADOWWALK_LOCK_MUTEX;
      const auto result = result_of_work(device, asked);
      ASSERT_NE(result, nullptr) << device.why();
      expect_balance(*result);
      if (safe) {
        EXPECT_EQ(result->violations, 0u) << result->first_violation;
      }
    }
  }
}

/// A missing barrier shows only where a store passes a load, which emulation by one thread after another never does: of
/// the negative controls, `unsafe` alone must be caught everywhere.
TEST_F(Cells, TheControlIsCaught) {
  const RawDevice device;
  for (const shadowwalk_variant& variant : device.variants()) {
    if ((variant.flags & SHADOWWALK_VARIANT_SAFE) != 0) continue;
    const std::uint64_t violations = violations_of(device, variant);
    std::printf("%s: %llu violations\n", variant.name, static_cast<unsigned long long>(violations));
    if (std::string_view(variant.name) == "unsafe") {
      EXPECT_NE(violations, 0u);
    }
  }
}

TEST_F(Cells, EveryLockServesEveryCheck) {
  const RawDevice device;
  for (const std::uint32_t lock : {SHADOWWALK_LOCK_TICKET, SHADOWWALK_LOCK_MUTEX, SHADOWWALK_LOCK_RWLOCK}) {
    for (const char* variant : {"irq-ipi", "rcu-counter", "mutex"}) {
      SCOPED_TRACE(testing::Message() << variant << ", mmu_lock " << lock);
      shadowwalk_request asked = small_request(variant, device.cpus());
      asked.mmu_lock = lock;
      asked.full_checks = 1;
      const auto result = result_of_work(device, asked);
      ASSERT_NE(result, nullptr) << device.why();
      expect_balance(*result);
      EXPECT_EQ(result->violations, 0u) << result->first_violation;
    }
  }
}

TEST_F(Cells, ALockThatSpinsIsRefusedToThoseWhoWait) {
  const RawDevice device;
  unsigned seen = 0;
  for (const shadowwalk_variant& variant : device.variants()) {
    if ((variant.flags & SHADOWWALK_VARIANT_NEEDS_MUTEX) == 0) continue;
    ++seen;
    for (const std::uint32_t lock : {SHADOWWALK_LOCK_TICKET, SHADOWWALK_LOCK_RWLOCK}) {
      shadowwalk_request asked = small_request(variant.name, device.cpus());
      asked.mmu_lock = lock;
      EXPECT_EQ(device.run(asked), EOPNOTSUPP) << variant.name;
      EXPECT_THAT(device.why(), testing::HasSubstr(variant.name));
    }
  }
  EXPECT_NE(seen, 0u);
}

std::vector<std::uint64_t> stream_in_kernel(const RawDevice& device, shadowwalk_request& asked, std::uint32_t vcpu,
                                            std::uint32_t count) {
  std::vector<std::uint64_t> accesses(count);
  shadowwalk_accesses wanted{.request = reinterpret_cast<std::uint64_t>(&asked),
                             .accesses = reinterpret_cast<std::uint64_t>(accesses.data()),
                             .vcpu = vcpu,
                             .count = count};
  EXPECT_EQ(device.call(SHADOWWALK_IOC_STREAM, &wanted), 0) << device.why();
  return accesses;
}

std::vector<std::uint64_t> stream_in_user_space(const shadowwalk_request& asked, std::uint32_t vcpu,
                                                std::uint32_t count) {
  GuestConfig config{.vcpus = asked.vcpus,
                     .burst = asked.walks_per_exit,
                     .params = std::bit_cast<GuestParams>(asked.guest),
                     .active_vcpus = asked.active_vcpus,
                     .idle_us = asked.extra_idle_us};
  const auto state = std::make_unique<GuestProgramState>(initial_state(config, vcpu));
  std::vector<Access> accesses(count);
  produce_accesses(*state, accesses.data(), accesses.size());
  std::vector<std::uint64_t> words;
  for (const Access access : accesses) words.push_back(access.word);
  return words;
}

TEST_F(Cells, ASeedGivesTheAccessesOfUserSpaceByteForByte) {
  constexpr std::uint32_t kCount = 20'000;
  const RawDevice device;
  for (const Workload& workload : workloads()) {
    shadowwalk_request asked = small_request("leak", device.cpus());
    for (const std::uint64_t seed : {check_options.seed, check_options.seed + 1}) {
      asked.guest =
          std::bit_cast<shadowwalk_guest>(guest_params(workload, {.working_set = workload.working_set, .seed = seed}));
      asked.guest.vcpu = asked.guest.burst = 0;
      for (std::uint32_t vcpu = 0; vcpu < asked.vcpus; ++vcpu) {
        EXPECT_TRUE(stream_in_kernel(device, asked, vcpu, kCount) == stream_in_user_space(asked, vcpu, kCount))
            << workload.name << ", vCPU " << vcpu << ", seed " << seed;
      }
    }
    const auto of_second_seed = stream_in_kernel(device, asked, 0, kCount);
    asked.guest.seed = check_options.seed;
    EXPECT_FALSE(stream_in_kernel(device, asked, 0, kCount) == of_second_seed) << workload.name;
  }
}

}  // namespace
}  // namespace shadowwalk::kernel
