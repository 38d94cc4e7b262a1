// What comes from a hostile caller: refused with an errno and a reason, and never more.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <map>
#include <random>

#include "harness/guest/guest.hpp"
#include "tests/kernel/device/support.hpp"

namespace shadowwalk::kernel {
namespace {

using Requests = OnDevice;

TEST_F(Requests, AreRefusedWithAReason) {
  const RawDevice device;
  const auto expect = [&](const char* what, int error, auto change) {
    shadowwalk_request asked = small_request("irq-ipi", device.cpus());
    change(asked);
    EXPECT_EQ(device.run(asked), error) << what << ": " << device.why();
    EXPECT_THAT(device.why(), testing::AllOf(testing::Not(""), testing::Not(testing::HasSubstr("\n")))) << what;
  };
  expect("another ABI version", EPROTO, [](auto& r) { r.abi_version = 99; });
  expect("another size", EPROTO, [](auto& r) { --r.size; });
  expect("no such variant", ENOENT, [](auto& r) { std::strcpy(r.variant, "nonesuch"); });
  expect("a name without an end", EINVAL, [](auto& r) { std::memset(r.variant, 'a', sizeof r.variant); });
  expect("no vCPUs", EINVAL, [](auto& r) { r.vcpus = 0; });
  expect("too many threads", EINVAL, [](auto& r) { r.vcpus = SHADOWWALK_MAX_VCPUS; });
  expect("a CPU that is not there", ENODEV, [](auto& r) { r.cpu_of_vcpu[1] = 4000; });
  expect("too few pages for its vCPUs", EINVAL, [](auto& r) { r.pool_pages = SHADOWWALK_MIN_POOL_PAGES; });
  expect("too many pages", ENOMEM, [](auto& r) { r.pool_pages = SHADOWWALK_MAX_POOL_PAGES; });
  expect("a pool that runs out", ENOMEM, [](auto& r) {
    std::strcpy(r.variant, "leak");
    r.pool_pages = 256;
    r.zap_rate = 100'000;
    r.duration_ns = 60'000'000'000;
  });
  expect("a stall that is too long", EINVAL,
         [](auto& r) { r.read_delay = {.one_in = 1, .stall_ns = 1ull << 40, .every_ns = 0}; });
  expect("stalls that keep a CPU", EINVAL,
         [](auto& r) { r.read_delay = {.one_in = 1, .stall_ns = 5'000'000, .every_ns = 0}; });
  expect("a stream beyond the window", EINVAL, [](auto& r) { r.guest.phases[0].streams[0].pages = 1ull << 60; });
  expect("a vCPU without a CPU", EINVAL, [](auto& r) { r.cpu_of_vcpu[0] = SHADOWWALK_ANY_CPU; });
  expect("too many events", EINVAL, [](auto& r) { r.event_count = SHADOWWALK_MAX_EVENTS + 1; });
  expect("an event that excludes what there is not", EINVAL, [](auto& r) {
    r.event_count = 1;
    r.events[0].exclude = SHADOWWALK_EXCLUDE_ALL + 1;
  });
  expect("a reserved field", EINVAL, [](auto& r) { r.reserved[3] = 1; });
  expect("a Zipf table of nothing", EINVAL, [](auto& r) { r.guest.phases[0].streams[0].locality = 2; });
  const auto result = std::make_unique<shadowwalk_result>();
  EXPECT_EQ(device.read_result(*result), 0) << "no result after an error";
}

TEST_F(Requests, WithoutAnAddressOrAMeaningAreErrors) {
  const RawDevice device;
  EXPECT_EQ(device.call(_IO('S', 0x77), nullptr), ENOTTY);
  for (const unsigned long command : {SHADOWWALK_IOC_RUN, SHADOWWALK_IOC_STREAM, SHADOWWALK_IOC_FLOOR}) {
    EXPECT_EQ(device.call(command, nullptr), EFAULT);
    EXPECT_NE(device.why(), "");
  }
  for (const unsigned long command : {SHADOWWALK_IOC_ABOUT, SHADOWWALK_IOC_VARIANT, SHADOWWALK_IOC_WHY}) {
    EXPECT_EQ(device.call(command, nullptr), EFAULT);
  }
  shadowwalk_variant past_the_last{};
  past_the_last.index = static_cast<std::uint32_t>(device.variants().size());
  EXPECT_EQ(device.call(SHADOWWALK_IOC_VARIANT, &past_the_last), ENOENT);
}

/// Requests that are noise, and valid ones of which a few words are.
class RandomRequests {
 public:
  RandomRequests(const RawDevice& device, std::uint64_t seed) : device_(device), random_(seed) {
    for (const shadowwalk_variant& variant : device.variants()) variants_.emplace_back(variant.name);
  }

  /// Its errno, of those calls that have a reason for one.
  int make_one() {
    const std::uint64_t kind = random_() % 64;
    if (kind == 0) return make_nonsense();
    if (kind == 1) return time_floor();
    shadowwalk_request asked = random_() % 8 == 0 ? noise() : mutated();
    // STREAM checks a request as RUN does, and runs nothing: a cell takes a thousand times as long.
    return kind < 4 ? device_.run(asked) : stream(asked);
  }

 private:
  static constexpr std::uint64_t kOfInterest[] = {0,          1,          2,          63,    64,        0xffff,
                                                  0x7fffffff, 0xffffffff, 1ull << 36, ~0ull, 1ull << 63};

  std::uint64_t word() {
    switch (random_() % 3) {
      case 0:
        return kOfInterest[random_() % std::size(kOfInterest)];
      case 1:
        return random_() % 4096;
      default:
        return random_();
    }
  }

  /// One field, or several: 4 or 8 bytes anywhere.
  template <class Struct>
  void mutate(Struct& of, std::size_t from, std::size_t to) {
    const std::uint64_t value = word();
    const std::size_t at = from + random_() % ((to - from) / 4) * 4;
    std::memcpy(reinterpret_cast<char*>(&of) + at, &value, random_() % 2 == 0 && at + 8 <= sizeof of ? 8 : 4);
  }

  /// What passes the checks shall not take long: a long cell is no error.
  static void shorten(shadowwalk_request& asked) {
    constexpr std::uint64_t kLong = 5'000'000;
    if (asked.duration_ns > kLong) asked.duration_ns = 1'000'000;
    if (asked.warmup_ns > kLong) asked.warmup_ns = 0;
  }

  shadowwalk_request noise() {
    shadowwalk_request asked;
    for (std::size_t at = 0; at < sizeof asked; at += 8) {
      const std::uint64_t value = random_();
      std::memcpy(reinterpret_cast<char*>(&asked) + at, &value, 8);
    }
    if (random_() % 2 != 0) {
      asked.abi_version = SHADOWWALK_ABI_VERSION;
      asked.size = sizeof asked;
    }
    shorten(asked);
    return asked;
  }

  shadowwalk_request mutated() {
    shadowwalk_request asked = small_request(variants_[random_() % variants_.size()], device_.cpus());
    small_cells()[random_() % small_cells().size()].change(asked);
    asked.mmu_lock = SHADOWWALK_LOCK_MUTEX;
    asked.pool_pages = 512 + random_() % 1024;
    asked.duration_ns = 1'000'000;
    asked.warmup_ns = 0;
    if (random_() % 8 == 0) {
      asked.guest.phases[0].streams[0].locality = static_cast<std::uint32_t>(Locality::zipf);
      const ZipfTable table = make_zipf_table(asked.guest.phases[0].streams[0].pages, 1);
      std::memcpy(&asked.guest.zipf, &table, sizeof table);
    }
    const std::uint64_t changes = random_() % 2 == 0 ? 1 : 1 + random_() % 8;
    constexpr std::size_t kFields = offsetof(shadowwalk_request, variant) + sizeof asked.variant;
    constexpr std::size_t kCpus = offsetof(shadowwalk_request, cpu_of_vcpu);
    constexpr std::size_t kGuest = offsetof(shadowwalk_request, guest);
    for (std::uint64_t i = 0; i < changes; ++i) {
      switch (random_() % 8) {
        case 0:
          mutate(asked, 0, kFields);
          break;
        case 1:
          mutate(asked, kCpus, kCpus + 8);  // those of the vCPUs that there are
          break;
        case 2:
          mutate(asked, kGuest, sizeof asked);
          break;
        case 3:
        case 4:
          mutate(asked, kGuest, kGuest + offsetof(shadowwalk_guest, phases) + sizeof(shadowwalk_phase));
          break;
        default:
          mutate(asked, kFields, kCpus);
      }
    }
    shorten(asked);
    return asked;
  }

  int stream(shadowwalk_request& asked) {
    std::uint64_t accesses[64];
    shadowwalk_accesses wanted{.request = reinterpret_cast<std::uint64_t>(&asked),
                               .accesses = reinterpret_cast<std::uint64_t>(accesses),
                               .vcpu = static_cast<std::uint32_t>(random_() % 4),
                               .count = static_cast<std::uint32_t>(random_() % 65)};
    if (random_() % 8 == 0) wanted.count = static_cast<std::uint32_t>(word());
    if (random_() % 8 == 0) wanted.request = random_();
    if (wanted.count > std::size(accesses) || random_() % 8 == 0)
      wanted.accesses = random_() | 1ull << 63;  // no memory
    return device_.call(SHADOWWALK_IOC_STREAM, &wanted);
  }

  int time_floor() {
    shadowwalk_floor asked{};
    asked.index = static_cast<std::uint32_t>(random_() % 64);
    asked.iterations = random_() % 3;
    asked.cpu_count = static_cast<std::uint32_t>(1 + random_() % device_.cpus());
    for (std::uint16_t i = 0; i < asked.cpu_count; ++i) asked.cpus[i] = i;
    for (std::uint64_t changes = random_() % 3; changes > 0; --changes) {
      mutate(asked, 0, random_() % 2 == 0 ? sizeof asked : offsetof(shadowwalk_floor, cpus) + 8);
    }
    // Some are refused for their number, and none takes long.
    if (asked.iterations <= SHADOWWALK_MAX_FLOOR_ITERATIONS) asked.iterations %= 3;
    return device_.call(SHADOWWALK_IOC_FLOOR, &asked);
  }

  int make_nonsense() {
    char bytes[64];
    [[maybe_unused]] const ssize_t count = pread(device_.fd(), bytes, sizeof bytes, static_cast<off_t>(random_()));
    device_.call(random_(), reinterpret_cast<void*>(random_() | 1ull << 63));
    return 0;
  }

  const RawDevice& device_;
  std::mt19937_64 random_;
  std::vector<std::string> variants_;
};

TEST_F(Requests, AtRandomAreErrorsWithAReasonOrRun) {
  const RawDevice device;
  RandomRequests requests(device, check_options.seed);
  std::map<int, std::uint64_t> ends;
  for (std::uint64_t i = 0; i < check_options.requests; ++i) {
    const int error = requests.make_one();
    ++ends[error];
    if (error != 0 && error != ENOMEM) {
      ASSERT_NE(device.why(), "") << std::strerror(error) << ", request " << i;
    }
  }
  for (const auto& [error, count] : ends) {
    std::printf("%llu: %s\n", static_cast<unsigned long long>(count), error == 0 ? "ran" : std::strerror(error));
  }
  EXPECT_GT(ends[0], 0u);
  EXPECT_GT(ends[EINVAL], 0u);
  shadowwalk_request asked = small_request("irq-ipi", device.cpus());
  EXPECT_EQ(device.run(asked), 0) << device.why();
}

}  // namespace
}  // namespace shadowwalk::kernel
