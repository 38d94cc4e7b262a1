// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "harness/kernel/module/request.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "harness/guest/guest_abi.hpp"
#include "harness/measure/footprint.hpp"
#include "harness/mmu/fault.hpp"
#include "workloads/host_action.hpp"

namespace shadowwalk::kernel {
namespace {

// The ABI is C and the lab is C++: both mean the same bytes.
#define SAME_PLACE(lab, abi, field) \
  static_assert(offsetof(lab, field) == offsetof(abi, field) && sizeof(lab::field) == sizeof(abi::field))
SAME_PLACE(AccessStream, shadowwalk_stream, weight);
SAME_PLACE(AccessStream, shadowwalk_stream, locality);
SAME_PLACE(AccessStream, shadowwalk_stream, write_percent);
SAME_PLACE(AccessStream, shadowwalk_stream, mmio_percent);
SAME_PLACE(AccessStream, shadowwalk_stream, first_page);
SAME_PLACE(AccessStream, shadowwalk_stream, pages);
SAME_PLACE(AccessStream, shadowwalk_stream, stride);
SAME_PLACE(AccessStream, shadowwalk_stream, first_touch_one_in);
SAME_PLACE(AccessStream, shadowwalk_stream, processes);
SAME_PLACE(AccessStream, shadowwalk_stream, touches);
SAME_PLACE(AccessPhase, shadowwalk_phase, accesses);
SAME_PLACE(AccessPhase, shadowwalk_phase, idle_us);
SAME_PLACE(AccessPhase, shadowwalk_phase, stream_count);
SAME_PLACE(AccessPhase, shadowwalk_phase, streams);
SAME_PLACE(ZipfTable, shadowwalk_zipf, pages);
SAME_PLACE(ZipfTable, shadowwalk_zipf, bucket_count);
SAME_PLACE(ZipfTable, shadowwalk_zipf, scatter_high);
SAME_PLACE(ZipfTable, shadowwalk_zipf, scatter_low);
SAME_PLACE(ZipfTable, shadowwalk_zipf, buckets);
SAME_PLACE(GuestParams, shadowwalk_guest, vcpu);
SAME_PLACE(GuestParams, shadowwalk_guest, burst);
SAME_PLACE(GuestParams, shadowwalk_guest, seed);
SAME_PLACE(GuestParams, shadowwalk_guest, base_gfn);
SAME_PLACE(GuestParams, shadowwalk_guest, idle_us);
SAME_PLACE(GuestParams, shadowwalk_guest, phase_count);
SAME_PLACE(GuestParams, shadowwalk_guest, phases);
SAME_PLACE(GuestParams, shadowwalk_guest, zipf);
#undef SAME_PLACE
static_assert(sizeof(GuestParams) == sizeof(shadowwalk_guest));
static_assert(SHADOWWALK_HISTOGRAM_BUCKETS == HistogramScale::kBuckets);
static_assert(SHADOWWALK_INTERVALS == Footprint::kIntervals);
static_assert(SHADOWWALK_MAX_IDLE_US == guest_abi::kMaxIdleUs);
static_assert(static_cast<std::uint32_t>(HostAction::Kind::zap_oldest) == SHADOWWALK_ACTION_ZAP_OLDEST &&
              static_cast<std::uint32_t>(HostAction::Kind::zap_everything) == SHADOWWALK_ACTION_ZAP_EVERYTHING &&
              static_cast<std::uint32_t>(HostAction::Kind::write_protect) == SHADOWWALK_ACTION_WRITE_PROTECT &&
              static_cast<std::uint32_t>(HostAction::Kind::invalidate) == SHADOWWALK_ACTION_INVALIDATE &&
              static_cast<std::uint32_t>(HostAction::Kind::shrink) == SHADOWWALK_ACTION_SHRINK);

/// The first thing that is wrong.
class Check {
 public:
  template <class... Parts>
  void refuse(int error, const Parts&... parts) {
    if (refusal_.error != 0) return;
    refusal_.error = error;
    (void(refusal_.why << parts), ...);
  }
  void in_range(std::string_view what, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
    if (value < least || value > most) refuse(EINVAL, what, " ", value, ": choose ", least, "..", most);
  }
  void zero(std::string_view what, std::uint64_t value) {
    if (value != 0) refuse(EINVAL, what, " ", value, ": must be 0");
  }
  bool passed() const { return refusal_.error == 0; }
  const Refusal& refusal() const { return refusal_; }

 private:
  Refusal refusal_;
};

void check_delay(std::string_view name, const shadowwalk_read_delay& delay, std::uint64_t burst, Check& check) {
  constexpr std::uint64_t kMostOneIn = 1'000'000'000;
  constexpr std::uint64_t kMostPerBurst = 1'000'000'000;  // ns: nothing else runs on that CPU meanwhile
  check.in_range(name, delay.one_in, 0, kMostOneIn);
  if (delay.one_in == 0) {
    check.zero("stall_ns of a read delay that is off:", delay.stall_ns);
    return check.zero("every_ns of a read delay that is off:", delay.every_ns);
  }
  check.in_range("stall_ns", delay.stall_ns, 0, SHADOWWALK_MAX_STALL_NS);
  check.in_range("every_ns", delay.every_ns, 0, SHADOWWALK_MAX_DURATION_NS);
  const std::uint64_t stalls = burst / delay.one_in + 1;
  if (check.passed() && stalls * delay.stall_ns > kMostPerBurst) {
    check.refuse(EINVAL, name, ": about ", stalls, " stalls of ", delay.stall_ns, " ns in a burst of ", burst,
                 " walks would keep a CPU for more than a second: choose fewer walks_per_exit or shorter stalls");
  }
}

void check_action(const shadowwalk_action& action, Check& check) {
  constexpr std::uint64_t kMostPages = 1u << 20;
  check.in_range("an action's kind", action.kind, 0, SHADOWWALK_ACTION_SHRINK);
  check.in_range("an action's weight", action.weight, 1, 10'000);
  check.zero("an action's reserved", action.reserved);
  if (action.kind == SHADOWWALK_ACTION_ZAP_OLDEST) {
    check.in_range("the level of zap_oldest", action.level, 1, MeasuredGeometry::kLevels - 1);
  } else if (action.kind != SHADOWWALK_ACTION_ZAP_EVERYTHING) {
    check.in_range("an action's pages", action.pages, 1, kMostPages);
  }
}

void check_events(const shadowwalk_request& request, Check& check) {
  check.in_range("event_count", request.event_count, 0, SHADOWWALK_MAX_EVENTS);
  for (std::uint32_t i = 0; i < request.event_count && check.passed(); ++i) {
    check.in_range("an event's exclude", request.events[i].exclude, 0, SHADOWWALK_EXCLUDE_ALL);
  }
}

void check_cpus(const shadowwalk_request& request, Check& check) {
  for (std::uint32_t i = 0; i < request.vcpus && check.passed(); ++i) {
    // Its number becomes a bit in a mask of CPUs.
    if (request.cpu_of_vcpu[i] == SHADOWWALK_ANY_CPU) {
      check.refuse(EINVAL, "cpu_of_vcpu: vCPU ", std::uint64_t{i}, " must be bound to a CPU, and has none");
    }
  }
}

bool is_name(std::span<const char> text) {
  const auto end = std::find(text.begin(), text.end(), '\0');
  return end != text.end() && end != text.begin();
}

void check_zaps(const shadowwalk_request& request, Check& check) {
  check.in_range("zappers", request.zappers, 0, SHADOWWALK_MAX_ZAPPERS);
  check.in_range("action_count", request.action_count, 0, SHADOWWALK_MAX_ACTIONS);
  if (request.zappers == 0) return check.zero("zap_rate without zappers:", request.zap_rate);
  check.in_range("zap_rate", request.zap_rate, 1, SHADOWWALK_MAX_ZAP_RATE);
  if (request.action_count == 0) check.refuse(EINVAL, "zappers without actions have nothing to do: give none");
  for (std::uint32_t i = 0; i < request.action_count && check.passed(); ++i) {
    check_action(request.actions[i], check);
  }
}

void check_reserved(const shadowwalk_request& request, Check& check) {
  for (const std::uint64_t word : request.reserved) check.zero("reserved", word);
  check.zero("guest.vcpu", request.guest.vcpu);
  check.zero("guest.burst", request.guest.burst);
  check.zero("guest.reserved", request.guest.reserved);
  for (std::uint32_t i = 0; i < std::min(request.guest.phase_count, SHADOWWALK_MAX_PHASES); ++i) {
    check.zero("a phase's reserved", request.guest.phases[i].reserved);
  }
}

void check_pages(const shadowwalk_request& request, Check& check) {
  check.in_range("working_set", request.working_set, 1, guest_abi::kWindowPages);
  check.in_range("pool_pages", request.pool_pages, SHADOWWALK_MIN_POOL_PAGES, SHADOWWALK_MAX_POOL_PAGES);
  check.in_range("pretouch_pages", request.pretouch_pages, 0, request.pool_pages);
  if (request.quota_pages != 0) {
    check.in_range("quota_pages", request.quota_pages, kSmallestQuota, SHADOWWALK_MAX_POOL_PAGES);
  }
}

}  // namespace

GuestConfig guest_of(const shadowwalk_request& request) {
  GuestConfig config{.vcpus = request.vcpus,
                     .burst = request.walks_per_exit,
                     .params = {},
                     .active_vcpus = request.active_vcpus,
                     .idle_us = request.extra_idle_us};
  std::memcpy(static_cast<void*>(&config.params), &request.guest, sizeof(config.params));
  return config;
}

Refusal check_request(const shadowwalk_request& request) {
  Check check;
  if (request.abi_version != SHADOWWALK_ABI_VERSION || request.size != sizeof(request)) {
    check.refuse(EPROTO, "the request is of ABI version ", std::uint64_t{request.abi_version}, " with ",
                 std::uint64_t{request.size}, " bytes, the module's is ", std::uint64_t{SHADOWWALK_ABI_VERSION},
                 " with ", std::uint64_t{sizeof(request)}, ": build both from the same sources");
    return check.refusal();
  }
  if (!is_name(request.variant)) check.refuse(EINVAL, "variant: must be a name that ends with a 0 byte");
  check.in_range("vcpus", request.vcpus, 1, SHADOWWALK_MAX_VCPUS);
  check.in_range("walks_per_exit", request.walks_per_exit, 1, SHADOWWALK_MAX_WALKS_PER_EXIT);
  check.in_range("walk_mode", request.walk_mode, 0, SHADOWWALK_WALK_LATENCY);
  check.in_range("mmu_lock", request.mmu_lock, 0, SHADOWWALK_LOCK_RWLOCK);
  check.in_range("instrumentation", request.instrumentation, 0, SHADOWWALK_INSTRUMENTATION_FULL);
  check.in_range("full_checks", request.full_checks, 0, 1);
  check.in_range("extra_idle_us", request.extra_idle_us, 0, SHADOWWALK_MAX_IDLE_US);
  check.in_range("think_ns", request.think_ns, 0, SHADOWWALK_MAX_THINK_NS);
  check.in_range("warmup_ns", request.warmup_ns, 0, SHADOWWALK_MAX_DURATION_NS);
  check.in_range("duration_ns", request.duration_ns, 1'000'000, SHADOWWALK_MAX_DURATION_NS);
  check_delay("read_delay", request.read_delay, request.walks_per_exit, check);
  check_delay("first_vcpu_delay", request.first_vcpu_delay, request.walks_per_exit, check);
  check_zaps(request, check);
  check_events(request, check);
  check_cpus(request, check);
  check_pages(request, check);
  check_reserved(request, check);
  if (!check.passed()) return check.refusal();
  // Not on the stack, which is small.
  const std::unique_ptr<const GuestConfig> guest(new GuestConfig(guest_of(request)));
  if (const GuestLine wrong = what_is_wrong(*guest); !wrong.empty()) check.refuse(EINVAL, wrong.view());
  return check.refusal();
}

}  // namespace shadowwalk::kernel
