#include "harness/measure/pmu/event_sets.hpp"

#include <algorithm>
#include <array>

namespace shadowwalk::pmu {
namespace {

constexpr std::uint32_t operator|(Microarchitecture a, Microarchitecture b) {
  return static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b);
}
constexpr std::uint32_t operator|(std::uint32_t a, Microarchitecture b) { return a | static_cast<std::uint32_t>(b); }
constexpr std::uint32_t only(Microarchitecture a) { return static_cast<std::uint32_t>(a); }

using enum Microarchitecture;
constexpr std::uint32_t kAny = 0;
constexpr std::uint32_t kSkylakes = intel_skylake | intel_skylake_server;
constexpr std::uint32_t kIceLakes = intel_ice_lake | intel_ice_lake_server;
constexpr std::uint32_t kIntel = kSkylakes | kIceLakes | only(intel_sapphire_rapids);
constexpr std::uint32_t kZen2To4 = amd_zen2 | amd_zen3 | amd_zen4;
constexpr std::uint32_t kNeoverse = arm_neoverse_n1 | arm_neoverse_v1 | arm_neoverse_n2 | arm_neoverse_v2;

constexpr std::string_view kDefault = "default";
constexpr std::string_view kContention = "contention";
constexpr std::string_view kCache = "cache";
constexpr std::string_view kTlb = "tlb";
constexpr std::string_view kBranch = "branch";

constexpr std::string_view kOtherCoreHitm =
    "retired loads that another core of the socket served, its copy being modified";
constexpr std::string_view kNoStores = "no stores, no atomics' ownership requests, no prefetches, no other socket";
constexpr std::string_view kRfoHitm = "ownership requests (stores, atomics) that hit a modified line in another core";
constexpr std::string_view kRfoMisses = "no plain loads, no other socket; hits in this core's own caches";
constexpr std::string_view kLockedLoads = "retired atomic read-modify-writes";
constexpr std::string_view kLockedMisses = "says nothing about contention by itself: uncontended ones count too";
constexpr std::string_view kOrdering = "pipeline flushes because another core wrote a line that a load had read early";
constexpr std::string_view kOrderingMisses = "only conflicts that were seen before the load retired";
constexpr std::string_view kRemoteHitm = "retired loads that a modified line in another socket served";
constexpr std::string_view kRemoteMisses = "no stores, no atomics; 0 on one socket";
constexpr std::string_view kCcxFills = "demand fills of L1D from this CCX's L3 or another core's L2 in it";
constexpr std::string_view kCcxMisses =
    "no event isolates cache-to-cache transfers within one CCX: plain L3 hits count as well";
constexpr std::string_view kNearCache = "demand fills of L1D from the caches of another CCX, same NUMA node";
constexpr std::string_view kFarCache = "demand fills of L1D from the caches of another CCX, another NUMA node";
constexpr std::string_view kOtherCcxMisses = "nothing that stays within one CCX; 0 on a CPU with one CCX";
constexpr std::string_view kChangeToX = "requests to L2 to make a line writable that this core holds shared";
constexpr std::string_view kChangeToXMisses = "not whether another core really held it, nor where the answer came from";
constexpr std::string_view kSpeculative = "speculative accesses count as well";
constexpr std::string_view kRetiredOnly = "retired loads only: no stores, no prefetches, no page walks";
constexpr std::string_view kDemandOnly = "no prefetches; loads and stores alike";
constexpr std::string_view kNoKernel = "nothing in the kernel unless asked for with :k";

constexpr auto kTable = std::to_array<EventRow>({
    // --- default: the kernel's generic names, on every CPU
    {kDefault, kAny, "cycles", "core cycles, at whatever frequency", kNoKernel},
    {kDefault, kAny, "instructions", "retired instructions", kNoKernel},
    {kDefault, kAny, "cache-misses", "what the kernel maps it to: last-level misses on Intel, L2 misses on AMD",
     "does not compare across vendors"},
    {kDefault, kAny, "branch-misses", "retired mispredicted branches", kNoKernel},
    {kDefault, kAny, "task-clock", "nanoseconds on a CPU", "software: needs no PMU"},
    {kDefault, kAny, "page-faults", "faults of the process's own memory", "software: no shadow page faults of the lab"},

    // --- contention
    {kContention, kSkylakes | kIceLakes, "MEM_LOAD_L3_HIT_RETIRED:XSNP_HITM", kOtherCoreHitm, kNoStores},
    {kContention, kSkylakes | kIceLakes, "MEM_LOAD_L3_HIT_RETIRED:XSNP_HIT",
     "retired loads that hit L3 and whose line another core held unmodified", kNoStores},
    {kContention, only(intel_sapphire_rapids), "MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD", kOtherCoreHitm, kNoStores},
    {kContention, only(intel_sapphire_rapids), "MEM_LOAD_L3_HIT_RETIRED:XSNP_NO_FWD",
     "retired loads that hit L3 and whose line another core held unmodified", kNoStores},
    {kContention, kSkylakes, "OFFCORE_RESPONSE_0:DMND_RFO:L3_HIT:SNP_HITM", kRfoHitm, kRfoMisses},
    {kContention, kIceLakes | intel_sapphire_rapids, "OCR:DEMAND_RFO_L3_HIT_SNOOP_HITM", kRfoHitm, kRfoMisses},
    {kContention, intel_skylake_server | intel_ice_lake_server | intel_sapphire_rapids,
     "MEM_LOAD_L3_MISS_RETIRED:REMOTE_HITM", kRemoteHitm, kRemoteMisses},
    {kContention, kIntel, "MEM_INST_RETIRED:LOCK_LOADS", kLockedLoads, kLockedMisses},
    {kContention, kIntel, "MACHINE_CLEARS:MEMORY_ORDERING", kOrdering, kOrderingMisses},
    {kContention, only(intel_golden_cove), "cpu_core/event=0xd2,umask=0x04,name=MEM_LOAD_L3_HIT_RETIRED.XSNP_FWD/",
     kOtherCoreHitm, kNoStores},
    {kContention, only(intel_golden_cove),
     "cpu_core/event=0x2a,umask=0x01,offcore_rsp=0x10003c0002,name=OCR.DEMAND_RFO.L3_HIT.SNOOP_HITM/", kRfoHitm,
     kRfoMisses},
    {kContention, only(intel_golden_cove), "cpu_core/event=0xd0,umask=0x21,name=MEM_INST_RETIRED.LOCK_LOADS/",
     kLockedLoads, kLockedMisses},
    {kContention, only(intel_golden_cove), "cpu_core/event=0xc3,umask=0x02,name=MACHINE_CLEARS.MEMORY_ORDERING/",
     kOrdering, kOrderingMisses},
    {kContention, only(amd_zen2), "DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_LCL_CACHE",
     "demand fills of L1D from L3 or another core's cache, home node local", kCcxMisses},
    {kContention, only(amd_zen2), "DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_RMT_CACHE",
     "demand fills of L1D from another core's cache, home node remote", kOtherCcxMisses},
    {kContention, only(amd_zen3), "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:INT_CACHE", kCcxFills, kCcxMisses},
    {kContention, only(amd_zen3), "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:EXT_CACHE_LCL", kNearCache, kOtherCcxMisses},
    {kContention, only(amd_zen3), "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:EXT_CACHE_RMT", kFarCache, kOtherCcxMisses},
    {kContention, only(amd_zen4), "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:LOCAL_CCX", kCcxFills, kCcxMisses},
    {kContention, only(amd_zen4), "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:NEAR_CACHE_NEAR_FAR", kNearCache,
     kOtherCcxMisses},
    {kContention, only(amd_zen4), "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:FAR_CACHE_NEAR_FAR", kFarCache, kOtherCcxMisses},
    {kContention, kZen2To4, "REQUESTS_TO_L2_GROUP1:CHANGE_TO_X", kChangeToX, kChangeToXMisses},
    {kContention, only(amd_zen2), "RETIRED_LOCK_INSTRUCTIONS:CACHEABLE_LOCKS", kLockedLoads, kLockedMisses},
    {kContention, amd_zen3 | amd_zen4, "RETIRED_LOCK_INSTRUCTIONS:BUS_LOCK",
     "retired atomics that locked the bus: split over two lines, or uncached memory", "no ordinary atomics"},
    {kContention, only(amd_zen5), "cpu/event=0x43,umask=0x02,name=ls_dmnd_fills_from_sys.local_ccx/", kCcxFills,
     kCcxMisses},
    {kContention, only(amd_zen5), "cpu/event=0x43,umask=0x04,name=ls_dmnd_fills_from_sys.near_cache/", kNearCache,
     kOtherCcxMisses},
    {kContention, only(amd_zen5), "cpu/event=0x43,umask=0x10,name=ls_dmnd_fills_from_sys.far_cache/", kFarCache,
     kOtherCcxMisses},
    {kContention, only(amd_zen5), "cpu/event=0x25,umask=0x1f,name=ls_locks.all/", kLockedLoads, kLockedMisses},
    {kContention, kNeoverse, "L1D_CACHE_INVAL", "lines of L1D that another core's coherence request took away",
     "cache maintenance by address counts as well; not who took it"},
    {kContention, kNeoverse, "L2D_CACHE_INVAL", "the same for this core's L2", "the same"},
    {kContention, kNeoverse, "STREX_FAIL_SPEC", "store-exclusives that lost their reservation",
     "no LSE atomics: binaries built for them retry nothing"},
    {kContention, kNeoverse, "REMOTE_ACCESS", "accesses that another socket answered", "no other core of this socket"},

    // --- cache
    {kCache, kIntel, "MEM_LOAD_RETIRED:L1_MISS", "retired loads that missed L1D", kRetiredOnly},
    {kCache, kIntel, "MEM_LOAD_RETIRED:L2_MISS", "retired loads that missed L2", kRetiredOnly},
    {kCache, kIntel, "MEM_LOAD_RETIRED:L3_MISS", "retired loads that missed L3", kRetiredOnly},
    {kCache, only(intel_golden_cove), "cpu_core/event=0xd1,umask=0x08,name=MEM_LOAD_RETIRED.L1_MISS/",
     "retired loads that missed L1D", kRetiredOnly},
    {kCache, only(intel_golden_cove), "cpu_core/event=0xd1,umask=0x10,name=MEM_LOAD_RETIRED.L2_MISS/",
     "retired loads that missed L2", kRetiredOnly},
    {kCache, only(intel_golden_cove), "cpu_core/event=0xd1,umask=0x20,name=MEM_LOAD_RETIRED.L3_MISS/",
     "retired loads that missed L3", kRetiredOnly},
    {kCache, only(amd_zen2), "DATA_CACHE_REFILLS_FROM_SYSTEM:MABRESP_LCL_L2", "fills of L1D from L2", kDemandOnly},
    {kCache, only(amd_zen2), "DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_LCL_CACHE",
     "fills of L1D from L3 or another core's cache", kDemandOnly},
    {kCache, only(amd_zen2), "DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_LCL_DRAM",
     "fills of L1D from this node's memory", kDemandOnly},
    {kCache, amd_zen3 | amd_zen4, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:LCL_L2", "fills of L1D from L2", kDemandOnly},
    {kCache, only(amd_zen3), "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:INT_CACHE", kCcxFills, kDemandOnly},
    {kCache, only(amd_zen3), "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:MEM_IO_LCL", "fills of L1D from this node's memory",
     kDemandOnly},
    {kCache, only(amd_zen4), "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:LOCAL_CCX", kCcxFills, kDemandOnly},
    {kCache, only(amd_zen4), "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:DRAM_IO_NEAR", "fills of L1D from this node's memory",
     kDemandOnly},
    {kCache, only(amd_zen5), "cpu/event=0x43,umask=0x01,name=ls_dmnd_fills_from_sys.local_l2/", "fills of L1D from L2",
     kDemandOnly},
    {kCache, only(amd_zen5), "cpu/event=0x43,umask=0x02,name=ls_dmnd_fills_from_sys.local_ccx/", kCcxFills,
     kDemandOnly},
    {kCache, only(amd_zen5), "cpu/event=0x43,umask=0x08,name=ls_dmnd_fills_from_sys.dram_io_near/",
     "fills of L1D from this node's memory", kDemandOnly},
    {kCache, kNeoverse, "L1D_CACHE_REFILL", "refills of L1D", kSpeculative},
    {kCache, kNeoverse, "L2D_CACHE_REFILL", "refills of L2", kSpeculative},
    {kCache, kNeoverse, "LL_CACHE_MISS_RD", "reads that missed the last-level cache", kSpeculative},
    {kCache, kAny, "L1-dcache-load-misses", "loads that missed L1D, as the kernel maps it",
     "prefetches count on some CPUs"},
    {kCache, kAny, "LLC-load-misses", "loads that missed the last level, as the kernel maps it",
     "prefetches count on some CPUs"},

    // --- tlb
    {kTlb, kIntel, "DTLB_LOAD_MISSES:STLB_HIT", "loads that missed the first DTLB and hit the second", kSpeculative},
    {kTlb, kIntel, "DTLB_LOAD_MISSES:WALK_COMPLETED", "completed page walks of loads", kSpeculative},
    {kTlb, kIntel, "DTLB_STORE_MISSES:WALK_COMPLETED", "completed page walks of stores", kSpeculative},
    {kTlb, only(intel_golden_cove), "cpu_core/event=0x12,umask=0x20,name=DTLB_LOAD_MISSES.STLB_HIT/",
     "loads that missed the first DTLB and hit the second", kSpeculative},
    {kTlb, only(intel_golden_cove), "cpu_core/event=0x12,umask=0x0e,name=DTLB_LOAD_MISSES.WALK_COMPLETED/",
     "completed page walks of loads", kSpeculative},
    {kTlb, kZen2To4, "L1_DTLB_MISS:TLB_RELOAD_4K_L2_HIT", "4 KiB accesses that missed the first DTLB, hit the second",
     "no coalesced pages"},
    {kTlb, kZen2To4, "L1_DTLB_MISS:TLB_RELOAD_4K_L2_MISS", "page walks for 4 KiB pages", "no coalesced pages"},
    {kTlb, kZen2To4, "L1_DTLB_MISS:TLB_RELOAD_2M_L2_MISS", "page walks for 2 MiB pages", kSpeculative},
    {kTlb, only(amd_zen5), "cpu/event=0x45,umask=0x01,name=ls_l1_d_tlb_miss.tlb_reload_4k_l2_hit/",
     "4 KiB accesses that missed the first DTLB, hit the second", "no coalesced pages"},
    {kTlb, only(amd_zen5), "cpu/event=0x45,umask=0xf0,name=ls_l1_d_tlb_miss.all_l2_miss/", "page walks, all page sizes",
     kSpeculative},
    {kTlb, kNeoverse, "L1D_TLB_REFILL", "refills of the first DTLB", kSpeculative},
    {kTlb, kNeoverse, "DTLB_WALK", "data accesses that needed a page walk", kSpeculative},
    {kTlb, kAny, "dTLB-load-misses", "loads that missed the DTLB, as the kernel maps it",
     "which level, differs by CPU"},

    // --- branch
    {kBranch, kIntel, "BR_INST_RETIRED:ALL_BRANCHES", "retired branches", kNoKernel},
    {kBranch, kIntel, "BR_MISP_RETIRED:ALL_BRANCHES", "retired mispredicted branches", kNoKernel},
    {kBranch, kZen2To4, "RETIRED_BRANCH_INSTRUCTIONS", "retired branches", kNoKernel},
    {kBranch, kZen2To4, "RETIRED_BRANCH_INSTRUCTIONS_MISPREDICTED", "retired mispredicted branches", kNoKernel},
    {kBranch, kNeoverse, "BR_RETIRED", "retired branches", kNoKernel},
    {kBranch, kNeoverse, "BR_MIS_PRED_RETIRED", "retired mispredicted branches", kNoKernel},
    {kBranch, kAny, "branches", "retired branches", kNoKernel},
    {kBranch, kAny, "branch-misses", "retired mispredicted branches", kNoKernel},
});

constexpr auto kSets = std::to_array<std::string_view>({kDefault, kContention, kCache, kTlb, kBranch});

}  // namespace

std::span<const EventRow> event_table() { return kTable; }

std::span<const std::string_view> event_set_names() { return kSets; }

bool is_event_set(std::string_view name) { return std::find(kSets.begin(), kSets.end(), name) != kSets.end(); }

std::vector<EventRow> event_set(std::string_view set, Microarchitecture microarchitecture) {
  std::vector<EventRow> own;
  std::vector<EventRow> generic;
  for (const EventRow& row : kTable) {
    if (row.set != set) continue;
    if (row.on == kAny) generic.push_back(row);
    if ((row.on & static_cast<std::uint32_t>(microarchitecture)) != 0) own.push_back(row);
  }
  return own.empty() ? generic : own;
}

}  // namespace shadowwalk::pmu
