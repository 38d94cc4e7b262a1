#include "harness/machine/cpu.hpp"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <mutex>
#include <vector>

#include "harness/machine/backoff.hpp"
#include "harness/machine/rcu.hpp"
#include "harness/machine/request_all_cpus.hpp"
#include "harness/machine/sanitizers.hpp"
#include "harness/probes/probes.hpp"

namespace shadowwalk {

constinit thread_local Cpu* Cpu::current_ = nullptr;

void on_ipi_signal(int) {
  // A handler may not disturb errno; nothing here makes a system call.
  if (Cpu* cpu = Cpu::current_) cpu->take_ipi();
}

namespace {

void install_handler_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_handler = on_ipi_signal;
    sigemptyset(&action.sa_mask);
    // No SA_RESTART: KVM_RUN must return with EINTR.
    SHADOWWALK_CHECK(sigaction(ipi_signal(), &action, nullptr) == 0, "sigaction for the IPI signal failed");
  });
}

long membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

}  // namespace

int ipi_signal() { return SIGURG; }

Cpu::~Cpu() { SHADOWWALK_CHECK(tid() == 0, "a Cpu was destroyed while a thread is bound to it"); }

void Cpu::bind(const std::string& name) {
  SHADOWWALK_CHECK(current_ == nullptr && tid() == 0, "thread or Cpu is bound already");
  install_handler_once();
  sigset_t ipi;
  sigemptyset(&ipi);
  sigaddset(&ipi, ipi_signal());
  pthread_sigmask(SIG_UNBLOCK, &ipi, nullptr);  // a mask is inherited, from the parent process too
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  Rcu::register_reader();
  current_ = this;
  signal_fence();  // the handler must find current_ before a sender can find the thread
  tid_.store(static_cast<pid_t>(syscall(SYS_gettid)), std::memory_order_release);  // pairs with send_ipi's acquire
}

void Cpu::unbind() {
  SHADOWWALK_CHECK(current_ == this && irqs_enabled(), "unbind() is for the bound thread, with its gate open");
  tid_.store(0, std::memory_order_relaxed);
  signal_fence();
  current_ = nullptr;
  Rcu::unregister_reader();
}

void Cpu::take_ipi() {
  if (gate_closed_.load(std::memory_order_relaxed)) {
    pending_.store(true, std::memory_order_relaxed);
  } else {
    acknowledge();
  }
}

void Cpu::serve_pending() {
  pending_.store(false, std::memory_order_relaxed);
  signal_fence();  // cleared before acknowledging: a signal in between acknowledges for itself
  acknowledge();
}

void Cpu::acknowledge() {
  // acquire pairs with the fetch_add in send_ipi: what the sender unlinked is visible to our next section.
  const std::uint64_t seen = requested_.load(std::memory_order_acquire);
  // release pairs with the sender's acquire load: our last section's reads are over. The handler may interrupt this
  // function between load and store; then it stores the greater number first, and must not be undone.
  std::uint64_t old = acknowledged_.load(std::memory_order_relaxed);
  while (old < seen && !acknowledged_.compare_exchange_weak(old, seen, std::memory_order_release)) {
  }
  // After the acknowledgement, so that no sender waits for a tool that is attached.
  if (old < seen) SHADOWWALK_PROBE(ipi__ack, seen);
}

std::size_t make_all_cpus_request(std::span<Vcpu* const> vcpus, std::uint32_t request_bits) {
  return make_all_cpus_request<Vcpu>(vcpus, request_bits);
}

void wait_interruptibly(const std::latch& latch) {
  constexpr timespec kPiece{0, 100'000};
  while (!latch.try_wait()) nanosleep(&kPiece, nullptr);  // ThreadSanitizer runs handlers in it
}

void send_ipi(std::span<Cpu* const> targets) {
  check_irqs_enabled();
  constexpr std::size_t kOnStack = 64;
  std::array<std::uint64_t, kOnStack> few;
  std::vector<std::uint64_t> many;
  std::uint64_t* numbers = few.data();
  if (targets.size() > kOnStack) {
    many.resize(targets.size());
    numbers = many.data();
  }

  const pid_t process = getpid();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Cpu& target = *targets[i];
    if (&target == Cpu::current()) continue;
    // seq_cst: numbered after the unlink's barrier. Its release half pairs with acknowledge()'s acquire.
    numbers[i] = target.requested_.fetch_add(1, std::memory_order_seq_cst) + 1;
    if (target.immediate_exit_ != nullptr) {
      std::atomic_ref(*target.immediate_exit_).store(1, std::memory_order_relaxed);  // the signal orders it
    }
    const pid_t tid = target.tid_.load(std::memory_order_acquire);  // pairs with bind()'s release
    SHADOWWALK_CHECK(tid != 0, "IPI to a CPU that no thread is bound to");
    SHADOWWALK_PROBE(ipi__send, static_cast<std::uint64_t>(tid), numbers[i]);
    SHADOWWALK_CHECK(syscall(SYS_tgkill, process, tid, ipi_signal()) == 0, "tgkill failed");
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Cpu& target = *targets[i];
    if (&target == Cpu::current()) continue;
    Backoff backoff;
#ifdef SHADOWWALK_TSAN
    unsigned waits = 0;
#endif
    // acquire pairs with acknowledge()'s release.
    while (target.acknowledged_.load(std::memory_order_acquire) < numbers[i]) {
      backoff.wait();
#ifdef SHADOWWALK_TSAN
      // Its runtime defers signals and sometimes loses one: seen with a target that sleeps in nanosleep().
      constexpr unsigned kWaitsUntilAskedAgain = 10'000;
      if (++waits % kWaitsUntilAskedAgain == 0) {
        syscall(SYS_tgkill, process, target.tid_.load(std::memory_order_relaxed), ipi_signal());
      }
#endif
    }
  }
}

std::string register_membarrier() {
  const long commands = membarrier(MEMBARRIER_CMD_QUERY);
  if (commands < 0) return std::string("membarrier: ") + std::strerror(errno);
  if ((commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0) return "membarrier: no PRIVATE_EXPEDITED (Linux 4.14)";
  if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0) {
    return std::string("membarrier: registering: ") + std::strerror(errno);
  }
  return {};
}

void membarrier_all() {
  SHADOWWALK_CHECK(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0, "membarrier without register_membarrier()");
}

}  // namespace shadowwalk
