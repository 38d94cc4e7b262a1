// Checks the device of shadowwalk.ko in the kernel that it is loaded in: a program of its own, static, since it runs
// where nothing is but that kernel (as in a VM). Prints a line per check and exits with 1 if any failed.
//
//   device_check cells [MS]      every variant under several guests and host actions
//   device_check fuzz COUNT SEED random requests: errors, and never more
//   device_check refusals        what must be refused, with its errno and a reason
//   device_check kill COUNT      kills the caller of a cell at random moments; memory must come back
//   device_check guards          what meets a running cell: a second one, a signal, rmmod, a CPU that goes offline
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "harness/guest/guest.hpp"
#include "harness/kernel/abi.h"
#include "workloads/guest/produce_accesses.hpp"

namespace shadowwalk {
namespace {

int failures = 0;

template <class... Values>
void report(bool good, const char* format, Values... values) {
  std::printf("%s ", good ? "ok  " : "FAIL");
  std::printf(format, values...);
  std::printf("\n");
  std::fflush(stdout);
  if (!good) ++failures;
}

class Device {
 public:
  Device() : fd_(open(SHADOWWALK_DEVICE, O_RDWR | O_CLOEXEC)) {
    if (fd_ >= 0) return;
    std::perror(SHADOWWALK_DEVICE);
    std::exit(2);
  }
  ~Device() { close(fd_); }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// 0, or an errno.
  int call(unsigned long command, void* argument) { return ioctl(fd_, command, argument) == 0 ? 0 : errno; }
  std::string why() {
    char line[SHADOWWALK_LINE_BYTES] = {};
    call(SHADOWWALK_IOC_WHY, line);
    return line;
  }
  bool read_result(shadowwalk_result& result) { return pread(fd_, &result, sizeof(result), 0) == sizeof(result); }
  shadowwalk_about about() {
    shadowwalk_about about{};
    call(SHADOWWALK_IOC_ABOUT, &about);
    return about;
  }
  std::vector<shadowwalk_variant> variants() {
    std::vector<shadowwalk_variant> rows(about().variants);
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
      rows[i].index = i;
      call(SHADOWWALK_IOC_VARIANT, &rows[i]);
    }
    return rows;
  }

 private:
  const int fd_;
};

shadowwalk_stream stream(Locality locality, std::uint64_t pages, std::uint32_t writes, std::uint32_t mmio) {
  return {.weight = 1,
          .locality = static_cast<std::uint32_t>(locality),
          .write_percent = writes,
          .mmio_percent = mmio,
          .first_page = 0,
          .pages = pages,
          .stride = 1,
          .first_touch_one_in = 8,
          .processes = 2,
          .touches = 2048};
}

/// A small cell: two vCPUs, one zapper.
shadowwalk_request request(const char* variant, unsigned cpus) {
  shadowwalk_request request{};
  request.abi_version = SHADOWWALK_ABI_VERSION;
  request.size = sizeof(request);
  std::strncpy(request.variant, variant, sizeof(request.variant) - 1);
  request.vcpus = 2;
  request.zappers = 1;
  request.zap_rate = 1000;
  request.walks_per_exit = 256;
  request.mmu_lock = SHADOWWALK_LOCK_RWLOCK;
  request.instrumentation = SHADOWWALK_INSTRUMENTATION_FULL;
  request.active_vcpus = SHADOWWALK_MAX_VCPUS;
  request.warmup_ns = 20'000'000;
  request.duration_ns = 200'000'000;
  request.working_set = 16384;
  request.pool_pages = 1 << 14;
  request.action_count = 1;
  request.actions[0] = {.kind = SHADOWWALK_ACTION_ZAP_OLDEST, .weight = 1, .level = 1, .reserved = 0, .pages = 0};
  for (std::size_t i = 0; i < SHADOWWALK_MAX_VCPUS; ++i) request.cpu_of_vcpu[i] = static_cast<std::uint16_t>(i % cpus);
  for (std::uint16_t& cpu : request.cpu_of_zapper) cpu = static_cast<std::uint16_t>(2 % cpus);
  request.guest.seed = 7;
  request.guest.phase_count = 1;
  request.guest.phases[0].stream_count = 1;
  request.guest.phases[0].streams[0] = stream(Locality::uniform, 16384, 0, 100);
  return request;
}

struct Case {
  const char* name;
  void (*change)(shadowwalk_request& request);
};
/// As the workloads mmio-poll, demand-fault, memslot-flip, quota, pagetable-churn and shrinker, each in small.
constexpr Case kCases[] = {
    {"mmio-poll", [](shadowwalk_request&) {}},
    {"demand-fault",
     [](shadowwalk_request& request) { request.guest.phases[0].streams[0] = stream(Locality::growth, 4096, 50, 0); }},
    {"memslot-flip",
     [](shadowwalk_request& request) {
       request.zap_rate = 100;
       request.actions[0].kind = SHADOWWALK_ACTION_ZAP_EVERYTHING;
       request.guest.phases[0].streams[0] = stream(Locality::uniform, 16384, 30, 0);
     }},
    {"quota",
     [](shadowwalk_request& request) {
       request.quota_pages = 64;
       request.working_set = 65536;
       request.guest.phases[0].streams[0] = stream(Locality::uniform, 65536, 30, 0);
     }},
    {"churn",
     [](shadowwalk_request& request) {
       request.actions[0] = {
           .kind = SHADOWWALK_ACTION_WRITE_PROTECT, .weight = 1, .level = 0, .reserved = 0, .pages = 64};
       request.guest.phases[0].streams[0] = stream(Locality::churn, 4096, 50, 0);
     }},
    {"shrinker",
     [](shadowwalk_request& request) {
       request.zap_rate = 100;
       request.actions[0] = {.kind = SHADOWWALK_ACTION_SHRINK, .weight = 1, .level = 0, .reserved = 0, .pages = 8};
     }},
};

/// A negative control is helped to fail: stalls within walks, and zaps enough to meet them.
void help_control(shadowwalk_request& request) {
  request.read_delay = {.one_in = 100, .stall_ns = 100'000, .every_ns = 0};
  if (request.zap_rate < 1000) request.zap_rate = 1000;
}

std::string judge(const shadowwalk_result& result, bool safe) {
  if (safe && result.violations != 0) return std::string("violations: ") + result.first_violation;
  if (result.walks_total == 0) return "nothing walked";
  if (result.pages_left != 0) return "pages were left";
  if (result.bytes_leaked != 0) return "memory was left";
  const shadowwalk_footprint& pages = result.footprint;
  if (pages.unlinked.total != pages.freed.total) return "zapped is not freed";
  if (pages.allocated.total != pages.freed.total) return "allocated is not freed";
  if (pages.unlinked.total == 0) return "nothing was zapped";
  return "";
}

/// The same seed gives the same accesses as in user space, byte for byte.
void check_stream(Device& device, const char* name, shadowwalk_request asked) {
  constexpr std::uint32_t kCount = 20'000;
  for (std::uint32_t vcpu = 0; vcpu < asked.vcpus; ++vcpu) {
    std::vector<std::uint64_t> kernel(kCount);
    shadowwalk_accesses wanted{.request = reinterpret_cast<std::uint64_t>(&asked),
                               .accesses = reinterpret_cast<std::uint64_t>(kernel.data()),
                               .vcpu = vcpu,
                               .count = kCount};
    const int error = device.call(SHADOWWALK_IOC_STREAM, &wanted);
    GuestConfig config{.vcpus = asked.vcpus, .burst = asked.walks_per_exit, .params = {}};
    std::memcpy(static_cast<void*>(&config.params), &asked.guest, sizeof(config.params));
    const auto state = std::make_unique<GuestProgramState>(initial_state(config, vcpu));
    std::vector<Access> user(kCount);
    produce_accesses(*state, user.data(), user.size());
    const bool same = error == 0 && std::memcmp(user.data(), kernel.data(), kCount * sizeof(Access)) == 0;
    report(same, "stream of %s, vCPU %u: %u accesses are those of user space", name, vcpu, kCount);
  }
}

void check_cells(std::uint64_t window_ms) {
  constexpr int kMoreTries = 10;
  Device device;
  const unsigned cpus = device.about().cpus_online;
  for (const Case& one : kCases) {
    shadowwalk_request asked = request("leak", cpus);
    one.change(asked);
    check_stream(device, one.name, asked);
  }
  const auto result = std::make_unique<shadowwalk_result>();
  for (const shadowwalk_variant& variant : device.variants()) {
    if ((variant.flags & SHADOWWALK_VARIANT_RUNS) == 0) {
      shadowwalk_request asked = request(variant.name, cpus);
      const int error = device.call(SHADOWWALK_IOC_RUN, &asked);
      report(error == EOPNOTSUPP, "%s, which this kernel cannot have: %s", variant.name, device.why().c_str());
      continue;
    }
    const bool safe = (variant.flags & SHADOWWALK_VARIANT_SAFE) != 0;
    std::uint64_t caught = 0;
    for (const Case& one : kCases) {
      shadowwalk_request asked = request(variant.name, cpus);
      asked.duration_ns = window_ms * 1'000'000;
      one.change(asked);
      if (!safe) help_control(asked);
      if ((variant.flags & SHADOWWALK_VARIANT_NEEDS_MUTEX) != 0) {
        const int error = device.call(SHADOWWALK_IOC_RUN, &asked);
        if (&one == kCases)
          report(error == EOPNOTSUPP, "%s under a spinning lock: %s", variant.name, device.why().c_str());
        asked.mmu_lock = SHADOWWALK_LOCK_MUTEX;
      }
      const int error = device.call(SHADOWWALK_IOC_RUN, &asked);
      if (error != 0 || !device.read_result(*result)) {
        report(false, "%s/%s: %s: %s", variant.name, one.name, std::strerror(error), device.why().c_str());
        continue;
      }
      const std::string wrong = judge(*result, safe);
      caught += result->violations;
      report(wrong.empty(),
             "%s/%s: %llu walks, %llu faults, %llu zaps, %llu pages freed, %llu deferred, %llu IPIs, %llu grace "
             "periods, %llu "
             "restarts, %llu violations, shrinks %llu %s",
             variant.name, one.name, static_cast<unsigned long long>(result->walks_total),
             static_cast<unsigned long long>(result->faults_total), static_cast<unsigned long long>(result->zaps),
             static_cast<unsigned long long>(result->footprint.freed.total),
             static_cast<unsigned long long>(result->footprint.deferred.total),
             static_cast<unsigned long long>(result->ipis_total),
             static_cast<unsigned long long>(result->grace_periods.seen),
             static_cast<unsigned long long>(result->restarts), static_cast<unsigned long long>(result->violations),
             static_cast<unsigned long long>(result->shrinks), wrong.c_str());
    }
    if (safe) continue;
    for (int more = 0; more < kMoreTries && caught == 0; ++more) {
      shadowwalk_request asked = request(variant.name, cpus);
      asked.duration_ns = 1'000'000'000;
      asked.zap_rate = 5000;
      help_control(asked);
      if (device.call(SHADOWWALK_IOC_RUN, &asked) == 0 && device.read_result(*result)) caught += result->violations;
    }
    // A missing barrier shows only where a store passes a load, which emulation by one thread after another never does.
    if (std::strcmp(variant.name, "unsafe") == 0) {
      report(caught != 0, "unsafe: caught with %llu violations", static_cast<unsigned long long>(caught));
    } else {
      std::printf("note %s: %llu violations\n", variant.name, static_cast<unsigned long long>(caught));
    }
  }
  for (const std::uint32_t lock : {SHADOWWALK_LOCK_TICKET, SHADOWWALK_LOCK_MUTEX}) {
    for (const char* variant : {"irq-ipi", "rcu-counter", "mutex"}) {
      shadowwalk_request asked = request(variant, cpus);
      asked.mmu_lock = lock;
      asked.full_checks = 1;
      const int error = device.call(SHADOWWALK_IOC_RUN, &asked);
      const std::string wrong = error == 0 && device.read_result(*result) ? judge(*result, true) : device.why();
      report(wrong.empty(), "%s, full checks, mmu_lock %u: %s", variant, lock, wrong.c_str());
    }
  }
}

void expect(Device& device, const char* what, const shadowwalk_request& asked, int error) {
  shadowwalk_request copy = asked;
  const int got = device.call(SHADOWWALK_IOC_RUN, &copy);
  const std::string why = device.why();
  report(got == error && !why.empty() && why.find('\n') == why.npos, "%s: errno %d: %s", what, got, why.c_str());
}

void check_refusals() {
  Device device;
  const unsigned cpus = device.about().cpus_online;
  const shadowwalk_request good = request("irq-ipi", cpus);
  const auto with = [&](const char* what, int error, auto change) {
    shadowwalk_request asked = good;
    change(asked);
    expect(device, what, asked, error);
  };
  with("another ABI version", EPROTO, [](auto& r) { r.abi_version = 99; });
  with("no such variant", ENOENT, [](auto& r) { std::strcpy(r.variant, "nonesuch"); });
  with("a name without an end", EINVAL, [](auto& r) { std::memset(r.variant, 'a', sizeof(r.variant)); });
  with("no vCPUs", EINVAL, [](auto& r) { r.vcpus = 0; });
  with("too many threads", EINVAL, [](auto& r) { r.vcpus = 1024; });
  with("a CPU that is not there", ENODEV, [](auto& r) { r.cpu_of_vcpu[1] = 4000; });
  with("too few pages for its vCPUs", EINVAL, [](auto& r) { r.pool_pages = SHADOWWALK_MIN_POOL_PAGES; });
  with("too many pages", ENOMEM, [](auto& r) { r.pool_pages = SHADOWWALK_MAX_POOL_PAGES; });
  with("a pool that runs out", ENOMEM, [](auto& r) {
    std::strcpy(r.variant, "leak");
    r.pool_pages = 256;
    r.zap_rate = 100'000;
    r.duration_ns = 2'000'000'000;
  });
  with("a stall that is too long", EINVAL,
       [](auto& r) { r.read_delay = {.one_in = 1, .stall_ns = 1ull << 40, .every_ns = 0}; });
  with("stalls that keep a CPU", EINVAL,
       [](auto& r) { r.read_delay = {.one_in = 1, .stall_ns = 5'000'000, .every_ns = 0}; });
  with("a stream beyond the window", EINVAL, [](auto& r) { r.guest.phases[0].streams[0].pages = 1ull << 60; });
  with("a vCPU without a CPU", EINVAL, [](auto& r) { r.cpu_of_vcpu[0] = SHADOWWALK_ANY_CPU; });
  with("too many events", EINVAL, [](auto& r) { r.event_count = SHADOWWALK_MAX_EVENTS + 1; });
  with("an event that excludes what there is not", EINVAL, [](auto& r) {
    r.event_count = 1;
    r.events[0].exclude = SHADOWWALK_EXCLUDE_ALL + 1;
  });
  with("a reserved field", EINVAL, [](auto& r) { r.reserved[3] = 1; });
  with("a Zipf table of nothing", EINVAL, [](auto& r) { r.guest.phases[0].streams[0].locality = 2; });
  shadowwalk_result result;
  report(!device.read_result(result), "no result after an error");
  report(device.call(_IO('S', 0x77), nullptr) == ENOTTY, "an unknown command: ENOTTY");
  report(device.call(SHADOWWALK_IOC_RUN, nullptr) == EFAULT, "a request at address 0: EFAULT");
}

/// Random bytes, a good request with random bytes in it, or one with a random field of interest.
void fuzz(std::uint64_t count, std::uint64_t seed) {
  Device device;
  const unsigned cpus = device.about().cpus_online;
  std::mt19937_64 random(seed);
  const std::vector<shadowwalk_variant> variants = device.variants();
  std::uint64_t ran = 0;
  std::uint64_t refused = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    shadowwalk_request asked = request(variants[random() % variants.size()].name, cpus);
    asked.duration_ns = 1'000'000;
    asked.warmup_ns = 0;
    asked.pool_pages = 512 + random() % 1024;
    asked.mmu_lock = SHADOWWALK_LOCK_MUTEX;
    auto* const bytes = reinterpret_cast<unsigned char*>(&asked);
    const std::uint64_t kind = random() % 10;
    if (kind == 0) {
      for (std::size_t at = 0; at < sizeof(asked); at += 8) {
        const std::uint64_t word = random();
        std::memcpy(bytes + at, &word, 8);
      }
      if (random() % 2 != 0) {
        asked.abi_version = SHADOWWALK_ABI_VERSION;
        asked.size = sizeof(asked);
      }
    } else {
      constexpr std::uint64_t kOfInterest[] = {0,          1,          2,          63,    64,        0xffff,
                                               0x7fffffff, 0xffffffff, 1ull << 36, ~0ull, 1ull << 63};
      for (std::uint64_t change = 0; change < kind; ++change) {
        const std::size_t fixed = offsetof(shadowwalk_request, cpu_of_vcpu);
        const bool in_guest = random() % 2 != 0;
        const std::size_t from = in_guest ? offsetof(shadowwalk_request, guest) : 40;
        const std::size_t length = in_guest ? 400 : fixed - 40;
        const std::size_t at = from + random() % (length / 4) * 4;
        const std::uint64_t value =
            random() % 2 != 0 ? kOfInterest[random() % std::size(kOfInterest)] : random() % 4096;
        std::memcpy(bytes + at, &value, random() % 2 != 0 ? 4 : 8);
      }
      if (asked.duration_ns > 5'000'000) asked.duration_ns = 1'000'000;  // a long cell is no error, but takes long
      if (asked.warmup_ns > 5'000'000) asked.warmup_ns = 0;
    }
    // STREAM checks a request as RUN does, and runs nothing: a cell takes a thousand times as long.
    if (random() % 32 != 0) {
      std::vector<std::uint64_t> accesses(64);
      shadowwalk_accesses wanted{.request = reinterpret_cast<std::uint64_t>(&asked),
                                 .accesses = reinterpret_cast<std::uint64_t>(accesses.data()),
                                 .vcpu = static_cast<std::uint32_t>(random() % 4),
                                 .count = static_cast<std::uint32_t>(random() % 66)};
      if (random() % 8 == 0) wanted.request = random();
      if (random() % 8 == 0) wanted.accesses = random();
      device.call(SHADOWWALK_IOC_STREAM, &wanted);
      continue;
    }
    // Most go no further than their checks; one that passes them runs for a millisecond.
    (device.call(random() % 64 == 0 ? random() : SHADOWWALK_IOC_RUN, &asked) == 0 ? ran : refused) += 1;
  }
  report(true, "fuzz: %llu requests: %llu cells ran, %llu were refused", static_cast<unsigned long long>(count),
         static_cast<unsigned long long>(ran), static_cast<unsigned long long>(refused));
  shadowwalk_request asked = request("irq-ipi", cpus);
  const int error = device.call(SHADOWWALK_IOC_RUN, &asked);
  report(error == 0, "a cell runs after it: %s", device.why().c_str());
}

long vmalloc_and_slab_kb() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  long value = 0;
  long sum = 0;
  for (std::string rest; file >> key >> value; std::getline(file, rest)) {
    if (key == "VmallocUsed:" || key == "SUnreclaim:") sum += value;
  }
  return sum;
}

void check_kills(unsigned count) {
  unsigned cpus = 0;
  std::vector<std::string> names;
  {
    Device device;
    cpus = device.about().cpus_online;
    for (const shadowwalk_variant& variant : device.variants()) names.push_back(variant.name);
  }
  std::mt19937 random(5);
  const long before = vmalloc_and_slab_kb();
  for (unsigned i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      Device device;
      shadowwalk_request asked = request(names[i % names.size()].c_str(), cpus);
      asked.mmu_lock = SHADOWWALK_LOCK_MUTEX;
      asked.duration_ns = 60'000'000'000;
      device.call(SHADOWWALK_IOC_RUN, &asked);
      _exit(0);
    }
    usleep(random() % 200'000);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status)) report(false, "kill %u: the caller ended by itself", i);
  }
  Device device;
  shadowwalk_request asked = request("irq-ipi", cpus);
  const auto result = std::make_unique<shadowwalk_result>();
  const bool runs = device.call(SHADOWWALK_IOC_RUN, &asked) == 0 && device.read_result(*result);
  report(runs && result->bytes_leaked == 0, "%u callers killed: the next cell runs: %s", count, device.why().c_str());
  const long after = vmalloc_and_slab_kb();
  report(after - before < 4096, "vmalloc and slab: %ld KiB before, %ld KiB after", before, after);
}

/// Runs a cell of a minute in a child; what became of it: its errno.
class RunningCell {
 public:
  explicit RunningCell(unsigned cpus) {
    child_ = fork();
    if (child_ != 0) return;
    // A handler, so that the call returns.
    struct sigaction action {};
    action.sa_handler = [](int) {};
    sigaction(SIGTERM, &action, nullptr);
    Device device;
    shadowwalk_request asked = request("irq-ipi", cpus);
    asked.duration_ns = 60'000'000'000;
    const int error = device.call(SHADOWWALK_IOC_RUN, &asked);
    std::printf("     the running cell: errno %d: %s\n", error, device.why().c_str());
    std::fflush(stdout);
    _exit(error);
  }
  void signal() { kill(child_, SIGTERM); }
  int wait() {
    int status = 0;
    waitpid(child_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t child_ = -1;
};

bool write_file(const char* path, const char* text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

void check_guards() {
  constexpr unsigned kBeginsUs = 500'000;
  const unsigned cpus = Device().about().cpus_online;
  {
    RunningCell cell(cpus);
    usleep(kBeginsUs);
    Device device;
    expect(device, "a second cell", request("irq-ipi", cpus), EBUSY);
    const long gone = syscall(SYS_delete_module, "shadowwalk", O_NONBLOCK);
    report(gone != 0 && errno == EWOULDBLOCK, "rmmod while a cell runs: %s", std::strerror(errno));
    cell.signal();
    report(cell.wait() == EINTR, "a signal ends a cell: EINTR");
  }
  {
    RunningCell cell(cpus);
    usleep(kBeginsUs);
    const char* online = "/sys/devices/system/cpu/cpu1/online";
    if (!write_file(online, "0")) {
      std::printf("SKIPPED: CPU 1 cannot go offline here\n");
      cell.signal();
      cell.wait();
      return;
    }
    report(cell.wait() == ENODEV, "a CPU that goes offline ends the cell: ENODEV");
    Device device;
    expect(device, "a cell on a CPU that is offline", request("irq-ipi", 2), ENODEV);
    report(write_file(online, "1"), "CPU 1 is online again");
    shadowwalk_request asked = request("irq-ipi", cpus);
    const int error = device.call(SHADOWWALK_IOC_RUN, &asked);
    report(error == 0, "and runs a cell: %s", device.why().c_str());
  }
}

}  // namespace
}  // namespace shadowwalk

int main(int argc, char** argv) {
  using namespace shadowwalk;
  const std::string what = argc > 1 ? argv[1] : "";
  const auto number = [&](int i, std::uint64_t otherwise) {
    return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
  };
  if (what == "cells") {
    check_cells(number(2, 100));
  } else if (what == "fuzz") {
    fuzz(number(2, 1000), number(3, 1));
  } else if (what == "refusals") {
    check_refusals();
  } else if (what == "guards") {
    check_guards();
  } else if (what == "kill") {
    check_kills(static_cast<unsigned>(number(2, 50)));
  } else {
    std::fprintf(stderr, "usage: device_check cells [MS] | fuzz COUNT SEED | refusals | kill COUNT | guards\n");
    return 2;
  }
  return failures == 0 ? 0 : 1;
}
