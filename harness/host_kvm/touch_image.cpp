// The entry of the image of a guest whose accesses are real: loads and stores to memory that the host kernel's MMU
// maps.
#include "harness/guest/guest_params.hpp"
#include "harness/host_kvm/touch_abi.hpp"
#include "workloads/guest/produce_accesses.hpp"

namespace shadowwalk::host_kvm {
namespace {

/// The words that the host changes meanwhile. A plain load each on x86; the compiler must neither repeat nor move it.
uint64_t current(const uint64_t& word) { return __atomic_load_n(&word, __ATOMIC_ACQUIRE); }

/// The TSC once everything before has completed: a load has its value, a store has passed its translation.
uint64_t now() {
  uint32_t low, high;
  asm volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
  return uint64_t{high} << 32 | low;
}

void load(uint64_t address) {
  uint64_t value;
  asm volatile("mov (%1), %0" : "=r"(value) : "r"(address) : "memory");
}
void store(uint64_t address, uint64_t value) { asm volatile("mov %0, (%1)" : : "r"(value), "r"(address) : "memory"); }

void ring_doorbell() { asm volatile("outb %%al, %0" : : "N"(uint32_t{guest_abi::kDoorbellPort}), "a"(0) : "memory"); }

class ToucherVcpu {
 public:
  ToucherVcpu(GuestProgramState& state, TouchLog& log)
      : state_(state),
        log_(log),
        control_(*reinterpret_cast<const TouchControl*>(kNotesBase)),
        pages_(control_.pages),
        ns_per_tick_(control_.ns_per_tick),
        coverage_(control_.coverage),
        clocked_(control_.clocked != 0),
        beats_(reinterpret_cast<const uint64_t*>(kNotesBase + beats_offset())),
        seen_(reinterpret_cast<uint64_t*>(kNotesBase + seen_offset(pages_, state.params.vcpu))) {}

  void clock_the_clock() {
    if (!clocked_) return;
    constexpr int kSamples = 1000;
    for (int i = 0; i < kSamples; ++i) {
      const uint64_t begin = now();
      record(log_.clock, now() - begin);
    }
  }

  void burst() {
    for (uint32_t left = state_.params.burst; left != 0;) {
      const uint32_t count = left < TouchLog::kChunk ? left : TouchLog::kChunk;
      produce_accesses(state_, log_.chunk, count);
      for (uint32_t i = 0; i < count; ++i) touch(log_.chunk[i]);
      left -= count;
    }
    log_.idle_us = burst_idle_us(state_);
  }

 private:
  void touch(Access access) {
    const bool recording = current(control_.recording) != 0;
    if (clocked_) {
      clocked_touch(access, recording);
    } else {
      perform(access, page_of(access));
    }
    ++log_.touches;
    if (recording) ++log_.recorded;
  }

  void clocked_touch(Access access, bool recording) {
    const uint64_t page = page_of(access);
    const uint64_t sequence = current(control_.sequence);
    const uint64_t begin = now();
    perform(access, page);
    const uint64_t ticks = now() - begin;
    const TouchKind kind = access.kind() == AccessKind::mmio ? TouchKind::device : classify(access, page, sequence);
    if (recording) record(log_.of[static_cast<uint32_t>(kind)], ticks);
  }

  void perform(Access access, uint64_t page) {
    switch (access.kind()) {
      case AccessKind::read:
        return load(working_set_address(page));
      case AccessKind::write:
        return store(working_set_address(page), ++log_.writes);
      case AccessKind::mmio:
        return load(device_address(access));
      case AccessKind::page_table_write:
        break;  // refused by the host
    }
    __builtin_trap();
  }

  /// `before`: the sequence before the touch, which is over now.
  TouchKind classify(Access access, uint64_t page, uint64_t before) {
    if (coverage_ == Coverage::unknown) return TouchKind::hit;
    if (coverage_ == Coverage::writes && access.kind() != AccessKind::write) return TouchKind::hit;
    const uint64_t whole = current(control_.last_whole);
    const uint64_t in_range = coverage_ == Coverage::ranges ? current(beats_[page]) : 0;
    const uint64_t after = current(control_.sequence);
    uint64_t& seen = seen_[page];
    if (after != before || at_work(before)) {
      seen = (after - 1) | 1;  // of the beat that was at work: odd
      return TouchKind::unclear;
    }
    // `whole` and `in_range` are of the moment of the touch, as no beat came between.
    const uint64_t concerned = whole > in_range ? whole : in_range;
    const uint64_t last = seen;
    seen = after;
    if (at_work(last) && last + 1 >= concerned) return TouchKind::unclear;
    return last < concerned ? TouchKind::first : TouchKind::hit;
  }

  void record(TouchHistogram& histogram, uint64_t ticks) {
    __extension__ using Wide = unsigned __int128;
    const auto ns = static_cast<uint64_t>(static_cast<Wide>(ticks) * ns_per_tick_ >> 32);
    if (histogram.min > ns) histogram.min = ns;
    if (histogram.max < ns) histogram.max = ns;
    histogram.sum += ns;
    ++histogram.counts[HistogramScale::bucket_of(ns)];
  }

  /// A program may grow over more pages than there is memory: then it begins anew.
  uint64_t page_of(Access access) const {
    const uint64_t gfn = access.gfn();
    return gfn < pages_ ? gfn : gfn % pages_;
  }

  GuestProgramState& state_;
  TouchLog& log_;
  const TouchControl& control_;
  const uint64_t pages_;
  const uint64_t ns_per_tick_;
  const Coverage coverage_;
  const bool clocked_;
  const uint64_t* const beats_;
  uint64_t* const seen_;
};

}  // namespace

extern "C" [[noreturn, gnu::section(".text.start")]] void guest_start(GuestProgramState* state, TouchLog* log) {
  ToucherVcpu vcpu(*state, *log);
  vcpu.clock_the_clock();
  for (;;) {
    vcpu.burst();
    ring_doorbell();
  }
}

}  // namespace shadowwalk::host_kvm
