#include "tests/kernel/device/support.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "harness/guest/guest_params.hpp"

namespace shadowwalk::kernel {
namespace {

using namespace std::chrono_literals;

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

constexpr SmallCell kSmallCells[] = {
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

/// Whether a thread of the kernel has this name.
bool is_thread_there(const std::string& name) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    std::string comm;
    if (std::getline(std::ifstream(entry.path() / "comm"), comm) && comm == name) return true;
  }
  return false;
}

/// Of /proc/vmallocinfo, those that the module has taken, without their addresses.
std::vector<std::string> areas_of_module() {
  std::ifstream file("/proc/vmallocinfo");
  std::vector<std::string> areas;
  for (std::string line; std::getline(file, line);) {
    if (line.find("[shadowwalk]") != line.npos) areas.push_back(line.substr(line.find(' ') + 1));
  }
  std::ranges::sort(areas);
  return areas;
}

long slab_kib() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  long value = 0;
  for (std::string rest; file >> key >> value; std::getline(file, rest)) {
    if (key == "SUnreclaim:") return value;
  }
  return 0;
}

}  // namespace

CheckOptions check_options;

RawDevice::RawDevice() : fd_(open(SHADOWWALK_DEVICE, O_RDWR | O_CLOEXEC)) {
  EXPECT_TRUE(fd_.is_open()) << SHADOWWALK_DEVICE << ": " << std::strerror(errno);
  EXPECT_EQ(call(SHADOWWALK_IOC_ABOUT, &about_), 0);
}

std::string RawDevice::why() const {
  char line[SHADOWWALK_LINE_BYTES] = {};
  EXPECT_EQ(call(SHADOWWALK_IOC_WHY, line), 0);
  return {line, strnlen(line, sizeof line)};
}

std::unique_ptr<shadowwalk_result> RawDevice::result_of(shadowwalk_request& request) const {
  if (run(request) != 0) return nullptr;
  auto result = std::make_unique<shadowwalk_result>();
  EXPECT_EQ(read_result(*result), static_cast<ssize_t>(sizeof *result));
  return result;
}

ssize_t RawDevice::read_result(shadowwalk_result& result) const { return pread(fd_.get(), &result, sizeof result, 0); }

std::vector<shadowwalk_variant> RawDevice::variants() const {
  std::vector<shadowwalk_variant> rows(about_.variants);
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    rows[i].index = i;
    EXPECT_EQ(call(SHADOWWALK_IOC_VARIANT, &rows[i]), 0);
  }
  return rows;
}

shadowwalk_request small_request(const std::string& variant, unsigned cpus) {
  shadowwalk_request request{};
  request.abi_version = SHADOWWALK_ABI_VERSION;
  request.size = sizeof request;
  variant.copy(request.variant, sizeof request.variant - 1);
  request.vcpus = 2;
  request.zappers = 1;
  request.zap_rate = 1000;
  request.walks_per_exit = 256;
  request.mmu_lock = SHADOWWALK_LOCK_RWLOCK;
  request.instrumentation = SHADOWWALK_INSTRUMENTATION_FULL;
  request.active_vcpus = SHADOWWALK_MAX_VCPUS;
  request.warmup_ns = 5'000'000;
  request.duration_ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(check_options.window).count());
  request.working_set = 16384;
  request.pool_pages = 1 << 12;
  request.action_count = 1;
  request.actions[0] = {.kind = SHADOWWALK_ACTION_ZAP_OLDEST, .weight = 1, .level = 1, .reserved = 0, .pages = 0};
  for (std::size_t i = 0; i < SHADOWWALK_MAX_VCPUS; ++i) request.cpu_of_vcpu[i] = static_cast<std::uint16_t>(i % cpus);
  for (std::uint16_t& cpu : request.cpu_of_zapper) cpu = static_cast<std::uint16_t>(2 % cpus);
  request.guest.seed = check_options.seed;
  request.guest.phase_count = 1;
  request.guest.phases[0].stream_count = 1;
  request.guest.phases[0].streams[0] = stream(Locality::uniform, 16384, 0, 100);
  return request;
}

std::span<const SmallCell> small_cells() { return kSmallCells; }

RunningCell::RunningCell(unsigned cpus) : child_(fork()) {
  if (child_ == 0) {
    struct sigaction action {};
    action.sa_handler = [](int) {};  // a handler, so that the call returns
    sigaction(SIGTERM, &action, nullptr);
    const RawDevice device;
    shadowwalk_request asked = small_request("irq-ipi", cpus);
    asked.duration_ns = 60'000'000'000;
    _exit(device.run(asked));
  }
  const auto patience = std::chrono::steady_clock::now() + 30s;
  while (!is_thread_there("sw-zapper-0") && std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_TRUE(is_thread_there("sw-zapper-0")) << "the cell has not begun";
}

RunningCell::~RunningCell() {
  if (child_ <= 0) return;
  kill(child_, SIGKILL);
  waitpid(child_, nullptr, 0);
}

void RunningCell::signal() const { kill(child_, SIGTERM); }

int RunningCell::wait() {
  int status = 0;
  waitpid(child_, &status, 0);
  child_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void OnDevice::SetUp() {
  areas_ = areas_of_module();
  slab_kib_ = slab_kib();
}

void OnDevice::TearDown() {
  EXPECT_EQ(areas_of_module(), areas_);
  // Threads that have ended, and what RCU frees, take a while.
  constexpr long kComesAndGoes = 2048;
  const auto patience = std::chrono::steady_clock::now() + 20s;
  while (slab_kib() > slab_kib_ + kComesAndGoes && std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(100ms);
  }
  EXPECT_LE(slab_kib(), slab_kib_ + kComesAndGoes) << "KiB of slab";
}

}  // namespace shadowwalk::kernel
