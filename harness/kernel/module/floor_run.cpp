// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// What a primitive of the kernel's, or a variant's read-side section, costs on some CPUs at once.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "harness/kernel/module/cell_threads.hpp"
#include "harness/kernel/module/engine.hpp"
#include "harness/kernel/module/failure.hpp"

namespace shadowwalk::kernel {
namespace {

constexpr unsigned kPatienceSeconds = 30;      // for threads to come, and to end
constexpr std::uint64_t kLookNs = 10'000'000;  // of the caller, which shares a CPU with what is timed
constexpr std::uint32_t kSectionsPerBlock = 1024;

/// The row: a primitive, or else a variant that this kernel can have.
struct FloorRow {
  const swk_floor_row* primitive = nullptr;
  const KernelVariant* variant = nullptr;

  explicit FloorRow(std::uint32_t index) {
    if (index < swk_floor_count) {
      primitive = &swk_floor_rows[index];
      return;
    }
    std::uint32_t left = index - swk_floor_count;
    for (std::size_t i = 0; i < shelf_size() && variant == nullptr; ++i) {
      if (kernel::variant(i).why_not().empty() && left-- == 0) variant = &kernel::variant(i);
    }
  }
  bool exists() const { return primitive != nullptr || variant != nullptr; }
  std::uint32_t kind() const { return primitive != nullptr ? primitive->kind : SHADOWWALK_FLOOR_EACH; }
  std::uint32_t least_cpus() const { return primitive != nullptr ? primitive->least_cpus : 1; }
  std::uint32_t block() const { return primitive != nullptr ? primitive->block : kSectionsPerBlock; }
  void describe(shadowwalk_floor& to) const {
    Line<SHADOWWALK_FLOOR_NAME_BYTES> name;
    if (primitive != nullptr) {
      name << std::string_view(primitive->name);
    } else {
      name << "section/" << variant->info.name;
    }
    to.kind = kind();
    to.least_cpus = least_cpus();
    std::memcpy(to.name, name.c_str(), name.view().size() + 1);
  }
};

/// As for a cell of as many vCPUs that maps nothing.
void set_request(shadowwalk_request& request, const shadowwalk_floor& asked) {
  request.vcpus = asked.cpu_count;
  request.mmu_lock = SHADOWWALK_LOCK_MUTEX;  // every variant's commit may be called under it
  request.instrumentation = SHADOWWALK_INSTRUMENTATION_NONE;
  request.working_set = 1;
  request.pool_pages = SHADOWWALK_MIN_POOL_PAGES + SHADOWWALK_POOL_PAGES_PER_VCPU * asked.cpu_count;
  std::copy_n(asked.cpus, asked.cpu_count, request.cpu_of_vcpu);
}

/// One timing. Lives outside of the stack.
class FloorRun {
 public:
  FloorRun(const shadowwalk_floor& asked, const FloorRow& row)
      : asked_(asked), row_(row), shared_(request_), machine_(asked.cpu_count) {
    set_request(request_, asked);
  }

  /// False: it has failed, and refusal() says why.
  bool run();
  const Refusal& refusal() const { return shared_.failure.refusal(); }
  bool is_stuck() const { return stuck_; }
  void add_to(shadowwalk_floor& floor) const;

 private:
  class Thread {
   public:
    Thread(FloorRun& run, unsigned index) : run_(run), index_(index) {}
    static void begin(void* self) { static_cast<Thread*>(self)->run(); }

    std::uint64_t ticks = 0;
    std::uint64_t done = 0;

   private:
    void run();
    void iterate();
    bool is_timed() const { return run_.row_.kind() == SHADOWWALK_FLOOR_EACH || index_ == 0; }
    /// Beside what is still being timed.
    void go_on();
    void do_block(unsigned iterations);

    FloorRun& run_;
    const unsigned index_;
    std::unique_ptr<EngineVcpu> vcpu_;  // of a section
    alignas(64) swk_floor_thread own_{};
  };

  int make_threads();
  void start_threads();
  void measure();
  void end_threads();

  const shadowwalk_floor asked_;  // a copy: threads that never end outlive the call
  const FloorRow row_;
  shadowwalk_request request_{};
  CellShared shared_;
  KernelMachine machine_;
  std::unique_ptr<Engine> engine_;  // of a section
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<swk_thread*> created_;
  std::atomic<bool> stop_{false};
  std::atomic<unsigned> timing_{0};  // threads that have iterations left
  bool stuck_ = false;
};

void FloorRun::Thread::run() {
  if (run_.engine_ != nullptr) {
    run_.machine_.vcpus()[index_]->bind(run_.asked_.cpus[index_]);
    vcpu_ = run_.engine_->attach_vcpu(index_);
    vcpu_->offline();
  }
  if (run_.shared_.wait_to_go()) iterate();
  vcpu_.reset();  // on the thread that made it
}

void FloorRun::Thread::iterate() {
  while (is_timed() && done < run_.asked_.iterations && !run_.stop_.load(std::memory_order_relaxed)) {
    const auto count = static_cast<unsigned>(std::min<std::uint64_t>(run_.row_.block(), run_.asked_.iterations - done));
    const std::uint64_t began = KernelMachine::now();
    do_block(count);
    ticks += KernelMachine::now() - began;
    done += count;
    swk_yield_between();
  }
  if (is_timed()) run_.timing_.fetch_sub(1, std::memory_order_relaxed);
  go_on();
}

void FloorRun::Thread::go_on() {
  constexpr unsigned kSpins = 128;
  while (run_.timing_.load(std::memory_order_relaxed) != 0 && !run_.stop_.load(std::memory_order_relaxed)) {
    if (is_timed()) {
      do_block(run_.row_.block());
    } else {
      for (unsigned i = 0; i < kSpins; ++i) cpu_relax();
    }
    swk_yield_between();
  }
}

void FloorRun::Thread::do_block(unsigned iterations) {
  if (vcpu_ == nullptr) return run_.row_.primitive->run(&own_, iterations);
  vcpu_->online();
  vcpu_->empty_sections(iterations);
  vcpu_->offline();
}

bool FloorRun::run() {
  if (row_.variant != nullptr) {
    engine_ = row_.variant->make_engine(
        {.request = request_, .machine = machine_, .window = shared_.window, .failure = shared_.failure});
    if (!engine_->has_memory()) {
      shared_.failure.report(ENOMEM, "the kernel refused memory for ", request_.pool_pages, " shadow pages");
      return false;
    }
  }
  for (unsigned i = 0; i < asked_.cpu_count; ++i) threads_.push_back(std::make_unique<Thread>(*this, i));
  if (const int error = make_threads(); error != 0) {
    shared_.failure.report(error, "the kernel refused a thread");
    end_threads();
    return false;
  }
  unsigned missing = 0;
  const int error = swk_hold_cpus(
      asked_.cpus, asked_.cpu_count, nullptr, 0,
      [](void* self, unsigned cpu) {
        static_cast<FloorRun*>(self)->shared_.failure.report(ENODEV, "CPU ", std::uint64_t{cpu}, " goes offline");
      },
      [](void* self) { static_cast<FloorRun*>(self)->start_threads(); }, this, &missing);
  if (error != 0) {
    shared_.failure.report(ENODEV, "CPU ", std::uint64_t{missing}, " is not online: choose others");
  } else {
    measure();
  }
  end_threads();
  if (error == 0) swk_release_cpus();
  if (stuck_) return false;
  if (engine_ != nullptr) engine_->drain();
  return !shared_.failure.reported();
}

int FloorRun::make_threads() {
  created_.reserve(asked_.cpu_count);
  int error = 0;
  for (unsigned i = 0; i < asked_.cpu_count; ++i) {
    swk_thread* const thread = swk_thread_create(Thread::begin, threads_[i].get(), "floor", i, asked_.cpus[i], &error);
    if (thread == nullptr) return error;
    created_.push_back(thread);
  }
  return 0;
}

/// While no CPU can go.
void FloorRun::start_threads() {
  swk_floor_prepare(asked_.cpus, asked_.cpu_count);
  timing_.store(row_.kind() == SHADOWWALK_FLOOR_EACH ? asked_.cpu_count : 1, std::memory_order_relaxed);
  for (swk_thread* const thread : created_) swk_thread_start(thread);
}

void FloorRun::measure() {
  const std::uint64_t patience = KernelMachine::now() + kPatienceSeconds * swk_clock.ticks_per_second;
  const auto is_over = [&] {
    // acquire pairs with the release in wait_to_go(): what the threads made is there.
    if (shared_.attached.load(std::memory_order_acquire) != asked_.cpu_count) {
      if (KernelMachine::now() <= patience) return false;
      shared_.failure.report(ETIMEDOUT, "the threads did not begin within ", std::uint64_t{kPatienceSeconds}, " s");
      return true;
    }
    shared_.go.store(true, std::memory_order_release);  // pairs with the acquire in wait_to_go()
    return timing_.load(std::memory_order_relaxed) == 0;
  };
  while (!is_over()) {
    const int woken = shared_.failure.wait(kLookNs);
    if (woken < 0) shared_.failure.report(EINTR, "a signal ended it");
    if (woken != 0) return;
  }
}

void FloorRun::end_threads() {
  shared_.stop_waiting_to_go.store(true, std::memory_order_relaxed);
  stop_.store(true, std::memory_order_relaxed);
  for (swk_thread* const thread : created_) {
    if (swk_thread_join(thread, kPatienceSeconds) != 0) continue;
    stuck_ = true;
    shared_.failure.report(ETIMEDOUT, "a thread did not end within ", std::uint64_t{kPatienceSeconds},
                           " s: boot this kernel again");
    return;
  }
}

void FloorRun::add_to(shadowwalk_floor& floor) const {
  std::uint64_t ticks = 0;
  for (const auto& thread : threads_) {
    floor.done += thread->done;
    ticks += thread->ticks;
  }
  floor.ns = KernelMachine::to_whole_ns(ticks);
  floor.cycles = swk_clock.uses_tsc != 0 ? ticks : 0;
}

Refusal check_floor(const shadowwalk_floor& asked, const FloorRow& row) {
  Refusal refusal;
  const auto refuse = [&](const auto&... parts) {
    refusal.error = EINVAL;
    (void(refusal.why << parts), ...);
    return refusal;
  };
  if (asked.iterations > SHADOWWALK_MAX_FLOOR_ITERATIONS) {
    return refuse("iterations ", asked.iterations, ": choose 0..", std::uint64_t{SHADOWWALK_MAX_FLOOR_ITERATIONS});
  }
  for (const std::uint64_t word : asked.reserved) {
    if (word != 0) return refuse("reserved ", word, ": must be 0");
  }
  if (asked.iterations == 0) return refusal;
  const std::uint64_t most = std::min(SHADOWWALK_MAX_VCPUS, swk_cpus_online());
  if (asked.cpu_count < row.least_cpus() || asked.cpu_count > most) {
    return refuse("cpu_count ", std::uint64_t{asked.cpu_count}, ": choose ", std::uint64_t{row.least_cpus()}, "..",
                  most);
  }
  for (unsigned i = 0; i < asked.cpu_count; ++i) {
    if (std::find(asked.cpus, asked.cpus + i, asked.cpus[i]) != asked.cpus + i) {
      return refuse("CPU ", std::uint64_t{asked.cpus[i]}, " is there twice");
    }
  }
  return refusal;
}

/// Between swk_ipis_prepare() and swk_ipis_release(), which the machine needs.
int time_floor(swx_job& job, shadowwalk_floor& floor, const FloorRow& row, int& kept) {
  auto run = std::make_unique<FloorRun>(floor, row);
  const bool timed = run->run();
  if (run->is_stuck()) {
    kept = 1;
    return refuse(job, run.release()->refusal());
  }
  if (!timed) return refuse(job, run->refusal());
  run->add_to(floor);
  return 0;
}

}  // namespace
}  // namespace shadowwalk::kernel

using namespace shadowwalk::kernel;  // NOLINT: the end of the file

extern "C" int swx_floor(swx_job* job, shadowwalk_floor* floor, int* kept) {
  const FloorRow row(floor->index);
  if (!row.exists()) {
    Refusal none{.error = ENOENT, .why = {}};
    none.why << "the module has no row " << uint64_t{floor->index};
    return refuse(*job, none);
  }
  if (const Refusal refusal = check_floor(*floor, row); refusal.error != 0) return refuse(*job, refusal);
  floor->done = floor->ns = floor->cycles = floor->bytes_leaked = 0;
  std::memset(floor->name, 0, sizeof(floor->name));
  row.describe(*floor);
  if (floor->iterations == 0) return 0;
  const uint64_t held = swk_bytes_held();
  if (const int error = swk_ipis_prepare(floor->cpu_count); error != 0) return error;  // ENOMEM, which says it all
  const int error = time_floor(*job, *floor, row, *kept);
  if (*kept != 0) return error;
  swk_ipis_release();
  floor->bytes_leaked = swk_bytes_held() - held;
  return error;
}
