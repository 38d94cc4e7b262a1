// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "harness/kernel/module/cell.hpp"

#include <cerrno>
#include <cstring>

#include "harness/kernel/module/result.hpp"

namespace shadowwalk::kernel {
namespace {

constexpr unsigned kPatienceSeconds = 30;  // for threads to come, and to end

std::vector<HostAction> actions_of(const shadowwalk_request& request) {
  std::vector<HostAction> actions;
  for (std::uint32_t i = 0; i < request.action_count; ++i) {
    const shadowwalk_action& action = request.actions[i];
    actions.push_back({.kind = static_cast<HostAction::Kind>(action.kind),
                       .weight = action.weight,
                       .level = static_cast<int>(action.level),
                       .pages = action.pages});
  }
  return actions;
}

}  // namespace

Cell::Cell(const shadowwalk_request& request, const KernelVariant& variant)
    : request_(request),
      variant_(variant),
      shared_(request),
      ipis_(shared_.window, ipi_counters_),
      grace_periods_(shared_.window, KernelMachine::to_whole_ns),
      machine_(request.vcpus),
      actions_(actions_of(request)) {
  if (shared_.clocked()) {
    machine_.observe_ipis(&ipis_);
    machine_.set_rcu_options({.observer = &grace_periods_});
  }
}

Cell::~Cell() = default;

bool Cell::run(shadowwalk_result& result) {
  engine_ = variant_.make_engine(
      {.request = request_, .machine = machine_, .window = shared_.window, .failure = shared_.failure});
  if (!engine_->has_memory()) {
    shared_.failure.report(ENOMEM, "the kernel refused memory for ", request_.pool_pages, " shadow pages and ",
                           variant_.info.name, ": lower pool_pages");
    return false;
  }
  // Not on the stack, which is small.
  const std::unique_ptr<const GuestConfig> guest(new GuestConfig(guest_of(request_)));
  for (unsigned i = 0; i < request_.vcpus; ++i) {
    vcpus_.push_back(std::make_unique<VcpuThread>(shared_, *engine_, *machine_.vcpus()[i], *guest, i));
  }
  for (unsigned i = 0; i < request_.zappers; ++i) {
    zappers_.push_back(std::make_unique<ZapperThread>(shared_, *engine_, actions_, i));
  }
  vcpu_threads_.reserve(request_.vcpus);
  zapper_threads_.reserve(request_.zappers);

  const bool held = run_threads();
  end_threads();
  if (held) swk_release_cpus();
  if (stuck_) return false;
  pages_left_ = engine_->drain();
  bytes_held_ = swk_bytes_held();
  if (pages_left_ != 0) {
    shared_.failure.report(EIO, variant_.info.name, " left ", pages_left_,
                           " pages unfreed after its drain: it is broken");
  }
  if (shared_.failure.reported()) return false;
  fill(result);
  return true;
}

/// Whether the CPUs are held.
bool Cell::run_threads() {
  if (const int error = make_threads(); error != 0) {
    shared_.failure.report(error, "the kernel refused a thread, or the memory for its counters");
    return false;
  }
  unsigned missing = 0;
  const int error = swk_hold_cpus(
      request_.cpu_of_vcpu, request_.vcpus, request_.cpu_of_zapper, request_.zappers,
      [](void* self, unsigned cpu) {
        static_cast<Cell*>(self)->shared_.failure.report(ENODEV, "CPU ", std::uint64_t{cpu}, " goes offline");
      },
      [](void* self) { static_cast<Cell*>(self)->start_threads(); }, this, &missing);
  if (error != 0) {
    shared_.failure.report(error, "CPU ", std::uint64_t{missing}, " is not online: bind vCPUs and zappers to others");
    return false;
  }
  measure();
  return true;
}

int Cell::make_threads() {
  for (unsigned i = 0; i < request_.vcpus; ++i) {
    VcpuThread& vcpu = *vcpus_[i];
    const int error = make_thread(vcpu.thread, vcpu_threads_, VcpuThread::run, &vcpu, "vcpu", request_.cpu_of_vcpu[i]);
    if (error != 0) return error;
  }
  for (unsigned i = 0; i < request_.zappers; ++i) {
    ZapperThread& zapper = *zappers_[i];
    const int error =
        make_thread(zapper.thread, zapper_threads_, ZapperThread::run, &zapper, "zapper", request_.cpu_of_zapper[i]);
    if (error != 0) return error;
  }
  return 0;
}

int Cell::make_thread(ThreadRecord& record, std::vector<swk_thread*>& threads, void (*run)(void*), void* self,
                      const char* name, unsigned cpu) {
  int error = 0;
  swk_thread* const thread = swk_thread_create(run, self, name, static_cast<unsigned>(threads.size()), cpu, &error);
  if (thread == nullptr) return error;
  threads.push_back(thread);
  if (request_.event_count == 0) return 0;
  record.counters.reset(swk_counters_create(thread, request_.events, request_.event_count));
  return record.counters == nullptr ? ENOMEM : 0;
}

/// While no CPU can go.
void Cell::start_threads() {
  for (swk_thread* const thread : vcpu_threads_) swk_thread_start(thread);
  for (swk_thread* const thread : zapper_threads_) swk_thread_start(thread);
}

void Cell::measure() {
  const unsigned all = request_.vcpus + request_.zappers;
  const std::uint64_t patience = KernelMachine::now() + kPatienceSeconds * swk_clock.ticks_per_second;
  // acquire pairs with the release in wait_to_go(): what the threads made is there.
  while (shared_.attached.load(std::memory_order_acquire) != all) {
    constexpr std::uint64_t kLookNs = 1'000'000;
    if (const int woken = shared_.failure.wait(kLookNs); woken != 0) {
      if (woken < 0) shared_.failure.report(EINTR, "a signal ended the cell");
      return;
    }
    if (KernelMachine::now() > patience) {
      return shared_.failure.report(ETIMEDOUT, "the cell's threads did not begin within ",
                                    std::uint64_t{kPatienceSeconds}, " s");
    }
  }
  const std::uint64_t start = KernelMachine::now() + KernelMachine::from_ns(request_.warmup_ns);
  const std::uint64_t end = start + KernelMachine::from_ns(request_.duration_ns);
  shared_.window.set(start, end);
  shared_.go.store(true, std::memory_order_release);  // the window is set; pairs with the acquire in wait_to_go()
  wait_until(end);
}

void Cell::wait_until(std::uint64_t ticks) {
  constexpr std::uint64_t kLongestWaitNs = 1'000'000'000;
  for (;;) {
    const std::uint64_t now = KernelMachine::now();
    if (now >= ticks) return;
    const int woken = shared_.failure.wait(std::min(KernelMachine::to_whole_ns(ticks - now), kLongestWaitNs));
    if (woken < 0) return shared_.failure.report(EINTR, "a signal ended the cell");
    if (woken > 0) return;
  }
}

void Cell::end_threads() {
  shared_.stop_waiting_to_go.store(true, std::memory_order_relaxed);
  shared_.stop_zappers.store(true, std::memory_order_relaxed);
  engine_->stop_waiting();
  join(zapper_threads_);
  make_all_cpus_request(machine_.vcpus(), kRequestStop);
  join(vcpu_threads_);
}

void Cell::join(std::vector<swk_thread*>& threads) {
  for (swk_thread* const thread : threads) {
    if (swk_thread_join(thread, kPatienceSeconds) != 0) continue;
    stuck_ = true;
    shared_.failure.report(ETIMEDOUT, "a thread of the cell did not end within ", std::uint64_t{kPatienceSeconds},
                           " s, which is a fault of ", variant_.info.name, " or of the lab: boot this kernel again");
    return;
  }
  threads.clear();
}

void Cell::fill(shadowwalk_result& result) const {
  result.abi_version = SHADOWWALK_ABI_VERSION;
  result.size = sizeof(result);
  std::memcpy(result.variant, request_.variant, sizeof(result.variant));
  result.window_ticks = shared_.window.end() - shared_.window.start();
  result.duration_ns = KernelMachine::to_whole_ns(result.window_ticks);
  result.tick_ns_32 = swk_clock.ns_per_tick_32;
  for (const auto& vcpu : vcpus_) add_vcpu(result, *vcpu);
  for (const auto& zapper : zappers_) add_zapper(result, *zapper);
  add_records(result, engine_->records());
  result.ipis = ipis_.sent();
  result.ipis_total = ipis_.total();
  add(result.ipi_ns, ipi_counters_.ns);
  result.grace_periods.seen = machine_.grace_periods();
  if (machine_.has_grace_periods()) add_grace_periods(result.grace_periods, grace_periods_.counts());
  result.pages_left = pages_left_;
  result.pool_pages = request_.pool_pages;
  result.bytes_held = bytes_held_;
}

}  // namespace shadowwalk::kernel
