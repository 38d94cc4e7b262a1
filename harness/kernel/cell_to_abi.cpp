#include "harness/kernel/cell_to_abi.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "harness/kernel/pool_pages.hpp"
#include "harness/lab/cell_driver.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::kernel {
namespace {

// The guest's parameters are the same bytes on both sides.
static_assert(sizeof(shadowwalk_guest) == sizeof(GuestParams) && sizeof(shadowwalk_stream) == sizeof(AccessStream));
static_assert(sizeof(shadowwalk_phase) == sizeof(AccessPhase) && sizeof(shadowwalk_zipf) == sizeof(ZipfTable));
static_assert(SHADOWWALK_MAX_PHASES == GuestParams::kMaxPhases && SHADOWWALK_MAX_STREAMS == AccessPhase::kMaxStreams);
static_assert(SHADOWWALK_ZIPF_BUCKETS == ZipfTable::kMaxBuckets);
static_assert(offsetof(shadowwalk_guest, phases) == offsetof(GuestParams, phases));
static_assert(offsetof(shadowwalk_guest, zipf) == offsetof(GuestParams, zipf));
static_assert(offsetof(shadowwalk_stream, touches) == offsetof(AccessStream, touches));

std::uint32_t kind_of(HostAction::Kind kind) {
  switch (kind) {
    case HostAction::Kind::zap_oldest:
      return SHADOWWALK_ACTION_ZAP_OLDEST;
    case HostAction::Kind::zap_everything:
      return SHADOWWALK_ACTION_ZAP_EVERYTHING;
    case HostAction::Kind::write_protect:
      return SHADOWWALK_ACTION_WRITE_PROTECT;
    case HostAction::Kind::invalidate:
      return SHADOWWALK_ACTION_INVALIDATE;
    case HostAction::Kind::shrink:
      return SHADOWWALK_ACTION_SHRINK;
  }
  return 0;
}

std::uint32_t lock_of(MmuLockKind kind) {
  switch (kind) {
    case MmuLockKind::ticket:
      return SHADOWWALK_LOCK_TICKET;
    case MmuLockKind::mutex:
      return SHADOWWALK_LOCK_MUTEX;
    case MmuLockKind::rwlock:
      return SHADOWWALK_LOCK_RWLOCK;
  }
  return 0;
}

std::uint32_t level_of(Instrumentation level) {
  switch (level) {
    case Instrumentation::none:
      return SHADOWWALK_INSTRUMENTATION_NONE;
    case Instrumentation::light:
      return SHADOWWALK_INSTRUMENTATION_LIGHT;
    case Instrumentation::full:
      return SHADOWWALK_INSTRUMENTATION_FULL;
  }
  return 0;
}

shadowwalk_read_delay delay_of(const ReadDelay& delay) {
  if (!delay.on()) return {};
  constexpr double kNsPerUs = 1000;
  return {.one_in = delay.one_in,
          .stall_ns = static_cast<std::uint64_t>(std::llround(delay.stall_us * kNsPerUs)),
          .every_ns = static_cast<std::uint64_t>(std::llround(delay.every_us * kNsPerUs))};
}

void set_actions(shadowwalk_request& request, const Workload& workload) {
  if (workload.host.size() > SHADOWWALK_MAX_ACTIONS) {
    throw InputError(fmt::format("--machine kernel: workload '{}' has {} host actions; the module takes {}",
                                 workload.name, workload.host.size(), SHADOWWALK_MAX_ACTIONS));
  }
  for (const HostAction& action : workload.host) {
    request.actions[request.action_count++] = {.kind = kind_of(action.kind),
                                               .weight = action.weight,
                                               .level = static_cast<std::uint32_t>(action.level),
                                               .reserved = 0,
                                               .pages = action.pages};
  }
}

/// As many as are wanted, if they fit.
std::uint64_t pages_that_fit(const PreparedCell& cell) {
  const PoolPages pages = pool_pages(cell.config, cell.workload, cell.budget);
  // The module measures what is free a little later.
  const double most = 0.9 * static_cast<double>(cell.budget.capacity);
  const double smallest =
      SHADOWWALK_MIN_POOL_PAGES + SHADOWWALK_POOL_PAGES_PER_VCPU * static_cast<double>(cell.config.vcpus);
  return static_cast<std::uint64_t>(std::max(smallest, std::min(pages.wanted, most)));
}

std::uint16_t cpu_of(const std::optional<unsigned>& cpu) {
  return cpu ? static_cast<std::uint16_t>(*cpu) : static_cast<std::uint16_t>(SHADOWWALK_ANY_CPU);
}

}  // namespace

std::unique_ptr<shadowwalk_request> to_request(const PreparedCell& cell) {
  const CellConfig& config = cell.config;
  auto request = std::make_unique<shadowwalk_request>();
  request->abi_version = SHADOWWALK_ABI_VERSION;
  request->size = sizeof *request;
  if (config.variant.size() >= sizeof request->variant) {
    throw InputError(fmt::format("--machine kernel: the module has no variant '{}'", config.variant));
  }
  std::memcpy(request->variant, config.variant.data(), config.variant.size());
  request->vcpus = config.vcpus;
  request->zappers = config.zappers;
  request->zap_rate = config.zappers == 0 ? 0 : static_cast<std::uint64_t>(config.zap_rate);
  request->walks_per_exit = config.walks_per_exit;
  request->walk_mode = config.walk_mode == WalkMode::latency ? SHADOWWALK_WALK_LATENCY : SHADOWWALK_WALK_THROUGHPUT;
  request->mmu_lock = lock_of(config.mmu_lock);
  request->instrumentation = level_of(config.instrumentation);
  request->full_checks = config.full_checks ? 1 : 0;
  request->active_vcpus = cell.guest.active_vcpus;
  request->extra_idle_us = cell.guest.idle_us;
  request->think_ns = config.think_ns;
  request->warmup_ns = static_cast<std::uint64_t>(config.warmup.count());
  request->duration_ns = static_cast<std::uint64_t>(config.duration.count());
  request->read_delay = delay_of(config.read_delay);
  request->first_vcpu_delay = delay_of(config.first_vcpu_delay);
  request->working_set = config.working_set;
  request->pool_pages = pages_that_fit(cell);
  request->pretouch_pages = std::min<std::uint64_t>(cell.budget.pretouch, request->pool_pages);
  request->quota_pages = cell.budget.quota;
  if (config.zappers != 0) set_actions(*request, cell.workload);
  const CellCpus cpus(cell);
  for (unsigned i = 0; i < config.vcpus; ++i) request->cpu_of_vcpu[i] = cpu_of(cpus.vcpus[i]);
  for (unsigned i = 0; i < config.zappers; ++i) request->cpu_of_zapper[i] = cpu_of(cpus.zappers[i]);
  request->guest = std::bit_cast<shadowwalk_guest>(cell.guest.params);
  request->guest.vcpu = 0;
  request->guest.burst = 0;
  request->guest.seed = config.seed;
  return request;
}

}  // namespace shadowwalk::kernel
