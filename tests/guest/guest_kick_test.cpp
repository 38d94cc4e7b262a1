// Kicks go through the machine, as the lab's do: the sender sets immediate_exit, then signals.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stop_token>
#include <thread>

#include "harness/guest/guest_abi.hpp"
#include "harness/machine/cpu.hpp"
#include "tests/guest/guest_fixture.hpp"
#include "tests/rounds.hpp"

namespace shadowwalk {
namespace {

using test::config_of;
using test::TestImage;

constexpr std::uint32_t kKick = kRequestTlbFlush;

/// Ends the process if a step takes half a minute: far beyond any delay but that of a vCPU that nobody kicks out.
class Watchdog {
 public:
  Watchdog()
      : thread_([this](std::stop_token stop) {
          std::mutex mutex;
          std::unique_lock lock(mutex);
          std::condition_variable_any stopped;
          for (std::uint64_t seen = 0; !stopped.wait_for(lock, stop, std::chrono::seconds(30), [] { return false; });) {
            if (stop.stop_requested()) return;
            const std::uint64_t now = steps_.load();
            if (now == seen) {
              std::fprintf(stderr, "step %llu hangs: a kick was lost\n", static_cast<unsigned long long>(now));
              std::abort();
            }
            seen = now;
          }
        }) {}
  void step() { steps_.fetch_add(1); }

 private:
  std::atomic<std::uint64_t> steps_{1};
  std::jthread thread_;
};

/// The lab's vCPU loop, reduced to guest and requests, on a thread of its own. `before_entry` runs in the gap between
/// the last look at the requests and the guest; `on_accesses` gets what the guest did.
class VcpuThread {
 public:
  template <typename BeforeEntry, typename OnAccesses>
  VcpuThread(GuestVcpu& guest, BeforeEntry before_entry, OnAccesses on_accesses) {
    cpu_.set_immediate_exit(&guest.immediate_exit());
    thread_ = std::thread([this, &guest, before_entry, on_accesses] {
      cpu_.bind("vcpu-0");
      bound_.store(true);
      for (bool stop = false; !stop;) {
        if (cpu_.enter_guest_mode()) {
          before_entry(served_.load(std::memory_order_relaxed));
          const auto accesses = guest.enter();
          cpu_.leave_guest_mode();
          on_accesses(accesses);
        }
        const std::uint32_t requests = cpu_.take_requests();
        stop = (requests & kRequestStop) != 0;
        if (requests != 0) served_.fetch_add(1);
      }
      served_.fetch_add(1);
      may_leave_.wait(false);
      cpu_.unbind();
    });
    while (!bound_.load()) std::this_thread::yield();
  }

  ~VcpuThread() {
    make_request(cpu_, kRequestStop);
    may_leave_.store(true);
    may_leave_.notify_one();
    thread_.join();
  }

  /// Returns when the vCPU has left the guest and served the request. The watchdog barks if the kick was lost.
  void kick() {
    watchdog_.step();
    const std::uint64_t before = served_.load();
    make_request(cpu_, kKick);
    while (served_.load() == before) std::this_thread::yield();
  }

 private:
  Watchdog watchdog_;
  Vcpu cpu_;
  std::atomic<bool> bound_{false};
  std::atomic<bool> may_leave_{false};
  std::atomic<std::uint64_t> served_{0};
  std::thread thread_;
};

void ignore_round(std::uint64_t) {}
void ignore_accesses(std::span<const Access>) {}

void produce_for_ever(GuestProgramState&, std::span<Access> out) {
  for (Access& access : out) access = Access::make(0, AccessKind::read);
}

/// A guest that never exits of its own accord.
std::unique_ptr<Guest> spinning_kvm_guest() { return TestImage({0xeb, 0xfe}).make(1024); }

TEST(GuestKick, ARunningKvmGuestIsKickedOut) {
  SHADOWWALK_NEED_KVM();
  const auto guest = spinning_kvm_guest();
  VcpuThread thread(guest->vcpu(0), ignore_round,
                    [](std::span<const Access> accesses) { EXPECT_TRUE(accesses.empty()); });
  for (int i = 0; i < 100; ++i) thread.kick();
}

TEST(GuestKick, NoKickJustBeforeTheGuestIsLost) {
  SHADOWWALK_NEED_KVM();
  // Where others want the CPUs, too, a round can take a turn of the scheduler: then fewer must do.
  constexpr std::uint64_t kRounds = test::rounds(30'000);
  constexpr std::uint64_t kLeastRounds = kRounds / 5;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(8);
  const auto guest = spinning_kvm_guest();
  GuestVcpu& vcpu = guest->vcpu(0);
  std::atomic<std::uint64_t> before_entry{0};
  VcpuThread thread(
      vcpu,
      [&](std::uint64_t round) {
        const auto is_kicked = [&] {
          return std::atomic_ref(vcpu.immediate_exit()).load(std::memory_order_relaxed) != 0;
        };
        // Every other round waits for the kick outside of the guest, the others leave the meeting to chance.
        if (round % 2 == 0) {
          while (!is_kicked()) std::this_thread::yield();
        } else {
          for (std::uint64_t i = 0; i < round * 7919 % 4096; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        if (is_kicked()) before_entry.fetch_add(1, std::memory_order_relaxed);
      },
      ignore_accesses);
  std::uint64_t rounds = 0;
  for (; rounds < kRounds && (rounds < kLeastRounds || std::chrono::steady_clock::now() < deadline); ++rounds) {
    thread.kick();
  }
  RecordProperty("rounds", static_cast<int>(rounds));
  EXPECT_GE(before_entry.load(), rounds / 4) << "too few kicks came before KVM_RUN to prove anything";
}

TEST(GuestKick, AThreadGuestIsKickedOutOfABurst) {
  GuestConfig config = config_of(GuestKind::thread, test::mmio_poll(), 65536);
  config.program.produce = produce_for_ever;
  const auto guest = make_guest(config);
  VcpuThread thread(guest->vcpu(0), ignore_round, ignore_accesses);
  for (int i = 0; i < 1000; ++i) thread.kick();
}

struct KickedStream {
  const char* name;
  GuestKind kind;
  unsigned burst;
  std::size_t accesses;
};

class KickedGuest : public testing::TestWithParam<KickedStream> {};

// An interrupted burst goes on, an MMIO access is neither lost nor done twice.
TEST_P(KickedGuest, StreamIsThatOfAnUndisturbedGuest) {
  const auto [name, kind, burst, accesses] = GetParam();
  if (kind == GuestKind::kvm) SHADOWWALK_NEED_KVM();
  const auto guest = make_guest(config_of(kind, growth_guest(5000, 30), burst));
  std::vector<std::uint64_t> words;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> interrupted{0};
  {
    VcpuThread thread(guest->vcpu(0), ignore_round, [&, limit = accesses](std::span<const Access> burst_accesses) {
      if (burst_accesses.empty()) interrupted.fetch_add(1, std::memory_order_relaxed);
      if (done.load(std::memory_order_relaxed)) return;
      for (const Access access : burst_accesses) words.push_back(access.word);
      if (words.size() >= limit) done.store(true);
    });
    while (!done.load()) thread.kick();
  }
  EXPECT_GT(interrupted.load(), 0u);
  const auto undisturbed = make_guest(config_of(GuestKind::thread, growth_guest(5000, 30), burst));
  EXPECT_EQ(words, test::next_accesses(undisturbed->vcpu(0), accesses));
}

INSTANTIATE_TEST_SUITE_P(All, KickedGuest,
                         testing::Values(KickedStream{"kvm_burst", GuestKind::kvm, 16384, 1'000'000},
                                         KickedStream{"kvm_mmio", GuestKind::kvm, 1, 5000},
                                         KickedStream{"thread_burst", GuestKind::thread, 16384, 1'000'000}),
                         [](const auto& param_info) { return std::string(param_info.param.name); });

}  // namespace
}  // namespace shadowwalk
