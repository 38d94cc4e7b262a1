// Encoding for PMUs that are not here: LIBPFM_FORCE_PMU in a child process, as libpfm4 reads it only once.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "harness/measure/pmu/event_list.hpp"
#include "harness/measure/pmu/event_sets.hpp"
#include "harness/measure/pmu/sysfs_pmu.hpp"
#include "tests/pmu/fake_tree.hpp"

namespace shadowwalk::pmu {
namespace {

using Line = std::vector<std::string>;

std::vector<Line> encode_for(const std::string& forced, const std::string& arguments) {
  const std::string command = fmt::format(
      "{}'{}' {}", forced.empty() ? "" : fmt::format("LIBPFM_FORCE_PMU={} ", forced), PMU_ENCODE, arguments);
  std::vector<Line> lines;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return lines;
  char buffer[4096];
  while (std::fgets(buffer, sizeof(buffer), pipe) != nullptr) {
    std::istringstream text(buffer);
    Line line;
    for (std::string field; std::getline(text, field, '|');) {
      if (!field.empty() && field.back() == '\n') field.pop_back();
      line.push_back(field);
    }
    lines.push_back(line);
  }
  EXPECT_EQ(pclose(pipe), 0) << command;
  return lines;
}

struct Forced {
  const char* pmu;
  Microarchitecture microarchitecture;
  friend void PrintTo(const Forced& forced, std::ostream* out) { *out << forced.pmu; }
};

class ForcedPmu : public testing::TestWithParam<Forced> {};

TEST_P(ForcedPmu, EachVendorRowOfTheTableEncodes) {
  const auto core = encode_for(GetParam().pmu, "--core");
  ASSERT_EQ(core.size(), 1u);
  if (core[0][0] != GetParam().pmu) {
    GTEST_SKIP() << "this libpfm4 was built without " << GetParam().pmu << ": its rows are not verified here";
  }
  EXPECT_EQ(core[0][1], to_string(GetParam().microarchitecture));
  std::size_t vendor_rows = 0;
  for (const std::string_view set : event_set_names()) {
    if (set == "default") continue;  // the kernel's generic names: a forced libpfm4 has only the forced PMU
    const auto lines = encode_for(GetParam().pmu, fmt::format("--set {}", set));
    EXPECT_EQ(lines.size(), event_set(set, GetParam().microarchitecture).size());
    for (const Line& line : lines) {
      ASSERT_GE(line.size(), 3u);
      EXPECT_EQ(line[1], "ok") << line[0] << ": " << line[2];
      vendor_rows += line[1] == "ok" ? 1 : 0;
      const bool of_this_pmu = line.size() == 6 && line[5].starts_with(std::string(GetParam().pmu) + "::");
      EXPECT_TRUE(of_this_pmu) << line.back();
    }
  }
  EXPECT_GE(vendor_rows, 8u);
}

INSTANTIATE_TEST_SUITE_P(All, ForcedPmu,
                         testing::Values(Forced{"skl", Microarchitecture::intel_skylake},
                                         Forced{"skx", Microarchitecture::intel_skylake_server},
                                         Forced{"clx", Microarchitecture::intel_skylake_server},
                                         Forced{"icl", Microarchitecture::intel_ice_lake},
                                         Forced{"icx", Microarchitecture::intel_ice_lake_server},
                                         Forced{"spr", Microarchitecture::intel_sapphire_rapids},
                                         Forced{"amd64_fam17h_zen2", Microarchitecture::amd_zen2},
                                         Forced{"amd64_fam19h_zen3", Microarchitecture::amd_zen3},
                                         Forced{"amd64_fam19h_zen4", Microarchitecture::amd_zen4},
                                         Forced{"arm_n1", Microarchitecture::arm_neoverse_n1},
                                         Forced{"arm_v1", Microarchitecture::arm_neoverse_v1},
                                         Forced{"arm_n2", Microarchitecture::arm_neoverse_n2},
                                         Forced{"arm_v2", Microarchitecture::arm_neoverse_v2}),
                         [](const auto& test) { return std::string(test.param.pmu); });

TEST(ForcedPmuEncoding, BitsAreTheVendors) {
  const auto spr = encode_for("spr", "MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD OCR:DEMAND_RFO_L3_HIT_SNOOP_HITM:k");
  ASSERT_EQ(spr.size(), 2u);
  EXPECT_EQ(spr[0], (Line{"MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD", "ok", "4", "0x4d2", "0x0",
                          "spr::MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD:u"}));
  EXPECT_EQ(spr[1][3], "0x12a");
  EXPECT_EQ(spr[1][4], "0x10003c0002");
  EXPECT_EQ(spr[1][5], "spr::OCR:DEMAND_RFO_L3_HIT_SNOOP_HITM:k");
  const auto zen4 = encode_for("amd64_fam19h_zen4", "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:FAR_CACHE_NEAR_FAR");
  ASSERT_EQ(zen4.size(), 1u);
  EXPECT_EQ(zen4[0][3], "0x1043");
}

/// Rows that spell out bits, since libpfm4 4.13 does not know the CPU: each against libpfm4's encoding of the same
/// event on the CPU whose encoding it shares (Golden Cove is Sapphire Rapids' core; Zen 5 kept these of Zen 4).
struct SpeltOut {
  const char* label;
  const char* relative;
  const char* event;
  friend void PrintTo(const SpeltOut& row, std::ostream* out) { *out << row.label; }
};

class SpeltOutRow : public testing::TestWithParam<SpeltOut> {};

TEST_P(SpeltOutRow, HasTheBitsOfItsRelative) {
  FakeTree tree;
  tree.add_core_pmu("cpu");
  tree.add_core_pmu("cpu_core");
  const auto lines = encode_for(GetParam().relative, GetParam().event);
  ASSERT_EQ(lines.size(), 1u);
  ASSERT_EQ(lines[0][1], "ok") << lines[0][2];
  std::size_t found = 0;
  for (const EventRow& row : event_table()) {
    if (event_label(row.event) != GetParam().label) continue;
    ++found;
    const auto result = encode_sysfs_event(std::string(row.event), tree.paths);
    const auto* encoded = std::get_if<EncodedEvent>(&result);
    ASSERT_NE(encoded, nullptr) << std::get<Refusal>(result).reason;
    EXPECT_EQ(fmt::format("{:#x}", encoded->attributes.config), lines[0][3]);
    EXPECT_EQ(fmt::format("{:#x}", encoded->attributes.config1), lines[0][4]);
  }
  EXPECT_GE(found, 1u);
}

constexpr const char* kZen4 = "amd64_fam19h_zen4";
INSTANTIATE_TEST_SUITE_P(
    All, SpeltOutRow,
    testing::Values(
        SpeltOut{"MEM_LOAD_L3_HIT_RETIRED.XSNP_FWD", "spr", "MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD"},
        SpeltOut{"OCR.DEMAND_RFO.L3_HIT.SNOOP_HITM", "spr", "OCR:DEMAND_RFO_L3_HIT_SNOOP_HITM"},
        SpeltOut{"MEM_INST_RETIRED.LOCK_LOADS", "spr", "MEM_INST_RETIRED:LOCK_LOADS"},
        SpeltOut{"MACHINE_CLEARS.MEMORY_ORDERING", "spr", "MACHINE_CLEARS:MEMORY_ORDERING"},
        SpeltOut{"MEM_LOAD_RETIRED.L1_MISS", "spr", "MEM_LOAD_RETIRED:L1_MISS"},
        SpeltOut{"MEM_LOAD_RETIRED.L2_MISS", "spr", "MEM_LOAD_RETIRED:L2_MISS"},
        SpeltOut{"MEM_LOAD_RETIRED.L3_MISS", "spr", "MEM_LOAD_RETIRED:L3_MISS"},
        SpeltOut{"DTLB_LOAD_MISSES.STLB_HIT", "spr", "DTLB_LOAD_MISSES:STLB_HIT"},
        SpeltOut{"DTLB_LOAD_MISSES.WALK_COMPLETED", "spr", "DTLB_LOAD_MISSES:WALK_COMPLETED"},
        SpeltOut{"ls_dmnd_fills_from_sys.local_l2", kZen4, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:LCL_L2"},
        SpeltOut{"ls_dmnd_fills_from_sys.local_ccx", kZen4, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:LOCAL_CCX"},
        SpeltOut{"ls_dmnd_fills_from_sys.near_cache", kZen4, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:NEAR_CACHE_NEAR_FAR"},
        SpeltOut{"ls_dmnd_fills_from_sys.far_cache", kZen4, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:FAR_CACHE_NEAR_FAR"},
        SpeltOut{"ls_dmnd_fills_from_sys.dram_io_near", kZen4, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:DRAM_IO_NEAR"},
        SpeltOut{"ls_l1_d_tlb_miss.tlb_reload_4k_l2_hit", kZen4, "L1_DTLB_MISS:TLB_RELOAD_4K_L2_HIT"},
        SpeltOut{"ls_l1_d_tlb_miss.all_l2_miss", kZen4,
                 "L1_DTLB_MISS:TLB_RELOAD_4K_L2_MISS:TLB_RELOAD_2M_L2_MISS:TLB_RELOAD_1G_L2_MISS:"
                 "TLB_RELOAD_COALESCED_PAGE_MISS"}));

TEST(ForcedPmuEncoding, AnEventOfAnotherCpuIsRefused) {
  const auto lines = encode_for("amd64_fam19h_zen4", "MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0][1], "refused");
  EXPECT_THAT(lines[0][2], testing::HasSubstr("libpfm4 knows no such event"));
}

TEST(ForcedPmuEncoding, GenericRowsEncodeOnThisCpu) {
  for (const char* event : {"cycles", "instructions", "cache-misses", "branch-misses", "branches", "task-clock",
                            "page-faults", "L1-dcache-load-misses", "LLC-load-misses", "dTLB-load-misses"}) {
    const auto lines = encode_for("", event);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0][1], "ok") << event << ": " << lines[0][2];
  }
}

}  // namespace
}  // namespace shadowwalk::pmu
