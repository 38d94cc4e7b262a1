// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// What the device calls.
#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "harness/kernel/module/cell.hpp"
#include "harness/kernel/module/engine.hpp"
#include "harness/kernel/module/glue.h"
#include "harness/kernel/module/request.hpp"
#include "workloads/guest/produce_accesses.hpp"

namespace shadowwalk::kernel {
namespace {

template <class... Parts>
int refuse(swx_job& job, int error, const Parts&... parts) {
  Refusal refusal{.error = error, .why = {}};
  (void(refusal.why << parts), ...);
  return refuse(job, refusal);
}

const KernelVariant* find(std::string_view name) {
  for (std::size_t i = 0; i < shelf_size(); ++i) {
    if (variant(i).info.name == name) return &variant(i);
  }
  return nullptr;
}

/// What a cell takes, roughly but not too little: tables and their descriptions, records, bursts, room for IPIs.
std::uint64_t bytes_needed(const shadowwalk_request& request) {
  constexpr std::uint64_t kPage = kPageBytes + 256;
  constexpr std::uint64_t kVcpu = 6 * sizeof(Histogram) + sizeof(GuestProgramState) + 16384;
  constexpr std::uint64_t kZapper = 3 * sizeof(Histogram) + 16384;
  constexpr std::uint64_t kCell = sizeof(shadowwalk_result) + 2 * sizeof(FootprintCounters) + (1u << 20);
  const std::uint64_t threads_of_ipis = std::uint64_t{swk_cpus_online()} * request.vcpus * sizeof(void*);
  return request.pool_pages * kPage + request.vcpus * (kVcpu + request.walks_per_exit * sizeof(Access)) +
         request.zappers * kZapper + threads_of_ipis + kCell;
}

/// What the running kernel decides. 0, or an errno.
int check_here(swx_job& job, const KernelVariant& variant) {
  const shadowwalk_request& request = job.request;
  if (const std::string_view why = variant.why_not(); !why.empty()) {
    return refuse(job, EOPNOTSUPP, variant.info.name, ": ", why);
  }
  if (const std::string_view why = variant.needs_mutex(); !why.empty() && request.mmu_lock != SHADOWWALK_LOCK_MUTEX) {
    return refuse(job, EOPNOTSUPP, variant.info.name, ": ", why, "; ask for mmu_lock mutex");
  }
  constexpr std::uint64_t kMostThreadsPerCpu = 16;
  const std::uint64_t most = kMostThreadsPerCpu * swk_cpus_online();
  if (request.vcpus + request.zappers > most) {
    return refuse(job, EINVAL, std::uint64_t{request.vcpus}, " vCPUs and ", std::uint64_t{request.zappers},
                  " zappers: choose at most ", most, " threads, ", kMostThreadsPerCpu, " per CPU");
  }
  static_assert(SHADOWWALK_POOL_PAGES_PER_VCPU == 2 * MeasuredGeometry::kLevels);
  const std::uint64_t least = SHADOWWALK_POOL_PAGES_PER_VCPU * request.vcpus + SHADOWWALK_MIN_POOL_PAGES;
  if (request.pool_pages < least) {
    return refuse(job, EINVAL, "pool_pages ", request.pool_pages, ": ", std::uint64_t{request.vcpus},
                  " vCPUs need at least ", least);
  }
  const std::uint64_t needed = bytes_needed(request);
  const std::uint64_t available = swk_bytes_available();
  if (needed > available / 2) {
    return refuse(job, ENOMEM, "the cell would take ", needed >> 20, " MiB, more than half of the ", available >> 20,
                  " MiB available: lower pool_pages, vcpus or walks_per_exit");
  }
  return 0;
}

int run_prepared(swx_job& job, const KernelVariant& variant, shadowwalk_result& result, int& kept) {
  auto cell = std::make_unique<Cell>(job.request, variant);
  const bool measured = cell->run(result);
  if (cell->is_stuck()) {
    kept = 1;
    return refuse(job, cell.release()->refusal());
  }
  return measured ? 0 : refuse(job, cell->refusal());
}

}  // namespace
}  // namespace shadowwalk::kernel

using namespace shadowwalk::kernel;  // NOLINT: the end of the file

extern "C" {

uint32_t swx_variants(void) { return static_cast<uint32_t>(shelf_size()); }

void swx_variant(uint32_t index, swx_variant_row* row) {
  const KernelVariant& one = variant(index);
  const std::string_view why_not = one.why_not();
  const std::string_view mutex = one.needs_mutex();
  row->flags = (why_not.empty() ? SHADOWWALK_VARIANT_RUNS : 0) | (one.info.safe ? SHADOWWALK_VARIANT_SAFE : 0) |
               (mutex.empty() ? 0 : SHADOWWALK_VARIANT_NEEDS_MUTEX) |
               (one.uses_rcu() ? SHADOWWALK_VARIANT_USES_RCU : 0);
  row->name = one.info.name.data();  // a literal
  row->why_not = !why_not.empty() ? why_not.data() : mutex.empty() ? "" : mutex.data();
}

const char* swx_compiler(void) { return "g++ " __VERSION__; }

int swx_run(swx_job* job, shadowwalk_result* result, int* kept) {
  if (const Refusal refusal = check_request(job->request); refusal.error != 0) return refuse(*job, refusal);
  const KernelVariant* const wanted = find(job->request.variant);
  if (wanted == nullptr) {
    return refuse(*job, ENOENT, "the module has no variant '", std::string_view(job->request.variant), "'");
  }
  if (const int error = check_here(*job, *wanted); error != 0) return error;
  const uint64_t held = swk_bytes_held();
  if (const int error = swk_ipis_prepare(job->request.vcpus); error != 0)
    return refuse(*job, error, "no memory for IPIs");
  const int error = run_prepared(*job, *wanted, *result, *kept);
  if (*kept != 0) return error;
  swk_ipis_release();
  result->bytes_held -= held;
  result->bytes_leaked = swk_bytes_held() - held;
  return error;
}

int swx_stream(swx_job* job, uint32_t vcpu, uint32_t count, uint64_t* accesses) {
  using shadowwalk::Access;
  if (const Refusal refusal = check_request(job->request); refusal.error != 0) return refuse(*job, refusal);
  if (vcpu >= job->request.vcpus) return refuse(*job, EINVAL, "vcpu ", uint64_t{vcpu}, ": the request has fewer");
  const std::unique_ptr<const shadowwalk::GuestConfig> guest(new shadowwalk::GuestConfig(guest_of(job->request)));
  const std::unique_ptr<shadowwalk::GuestProgramState> state(
      new shadowwalk::GuestProgramState(initial_state(*guest, vcpu)));
  static_assert(sizeof(Access) == sizeof(*accesses));
  produce_accesses(*state, reinterpret_cast<Access*>(accesses), count);
  return 0;
}

}  // extern "C"
