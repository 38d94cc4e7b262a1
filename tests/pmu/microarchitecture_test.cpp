#include "harness/measure/pmu/microarchitecture.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace shadowwalk::pmu {
namespace {

using enum Microarchitecture;

std::string x86(const char* vendor, int family, int model) {
  return fmt::format(
      "processor\t: 0\nvendor_id\t: {}\ncpu family\t: {}\nmodel\t\t: {}\nmodel name\t: Some CPU\n\n"
      "processor\t: 1\nvendor_id\t: Other\ncpu family\t: 1\nmodel\t\t: 1\n",
      vendor, family, model);
}

TEST(Microarchitecture, X86ByFamilyAndModel) {
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("AuthenticAMD", 23, 49)), amd_zen2);
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("AuthenticAMD", 23, 1)), unknown) << "Zen 1";
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("AuthenticAMD", 25, 1)), amd_zen3);
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("AuthenticAMD", 25, 80)), amd_zen3);
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("AuthenticAMD", 25, 17)), amd_zen4);
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("AuthenticAMD", 25, 97)), amd_zen4);
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("AuthenticAMD", 26, 2)), amd_zen5);
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("GenuineIntel", 6, 85)), intel_skylake_server);
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("GenuineIntel", 6, 143)), intel_sapphire_rapids);
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("GenuineIntel", 6, 151)), intel_golden_cove);
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("GenuineIntel", 6, 106)), intel_ice_lake_server);
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("GenuineIntel", 15, 85)), unknown);
  EXPECT_EQ(microarchitecture_of_cpuinfo(x86("HygonGenuine", 25, 1)), unknown);
}

TEST(Microarchitecture, ArmByImplementerAndPart) {
  const auto arm = [](const char* implementer, const char* part) {
    return fmt::format(
        "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: {}\n"
        "CPU architecture: 8\nCPU part\t: {}\n",
        implementer, part);
  };
  EXPECT_EQ(microarchitecture_of_cpuinfo(arm("0x41", "0xd0c")), arm_neoverse_n1);
  EXPECT_EQ(microarchitecture_of_cpuinfo(arm("0x41", "0xd40")), arm_neoverse_v1);
  EXPECT_EQ(microarchitecture_of_cpuinfo(arm("0x41", "0xd49")), arm_neoverse_n2);
  EXPECT_EQ(microarchitecture_of_cpuinfo(arm("0x41", "0xd4f")), arm_neoverse_v2);
  EXPECT_EQ(microarchitecture_of_cpuinfo(arm("0x43", "0xd0c")), unknown) << "another implementer's part";
}

TEST(Microarchitecture, RubbishIsUnknown) {
  for (const char* text : {"", "\n\n", ":", "model : x\nvendor_id : GenuineIntel\n", "vendor_id\t: AuthenticAMD\n"}) {
    EXPECT_EQ(microarchitecture_of_cpuinfo(text), unknown) << text;
  }
}

TEST(Microarchitecture, PfmNames) {
  EXPECT_EQ(microarchitecture_of_pfm_pmu("amd64_fam19h_zen4"), amd_zen4);
  EXPECT_EQ(microarchitecture_of_pfm_pmu("clx"), intel_skylake_server);
  EXPECT_EQ(microarchitecture_of_pfm_pmu("amd64_fam19h_zen3_l3"), unknown);
}

}  // namespace
}  // namespace shadowwalk::pmu
