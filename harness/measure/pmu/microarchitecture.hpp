#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Hardware, software and kernel events of a thread: named, encoded, opened, read (docs/result-format.md, `pmu`).
namespace shadowwalk::pmu {

/// The cores for which the table of event sets has rows. Bits, so that a row can hold for several.
enum class Microarchitecture : std::uint32_t {
  unknown = 0,
  intel_skylake = 1u << 0,          ///< client: Skylake to Comet Lake
  intel_skylake_server = 1u << 1,   ///< Skylake-SP, Cascade Lake, Cooper Lake
  intel_ice_lake = 1u << 2,         ///< client: Ice Lake, Tiger Lake, Rocket Lake
  intel_ice_lake_server = 1u << 3,  ///< Ice Lake-SP and -D
  intel_golden_cove = 1u << 4,      ///< client: P-cores of Alder Lake and Raptor Lake
  intel_sapphire_rapids = 1u << 5,  ///< the same core in servers
  amd_zen2 = 1u << 6,
  amd_zen3 = 1u << 7,
  amd_zen4 = 1u << 8,
  amd_zen5 = 1u << 9,
  arm_neoverse_n1 = 1u << 10,
  arm_neoverse_v1 = 1u << 11,
  arm_neoverse_n2 = 1u << 12,
  arm_neoverse_v2 = 1u << 13,
};

/// By the name that libpfm4 gives a core PMU (`spr`, `amd64_fam19h_zen4`, `arm_n1`).
Microarchitecture microarchitecture_of_pfm_pmu(std::string_view name);

/// By what /proc/cpuinfo says of its first CPU: x86's vendor, family and model, or Arm's implementer and part.
Microarchitecture microarchitecture_of_cpuinfo(const std::string& cpuinfo);

/// This machine's: by libpfm4 (LIBPFM_FORCE_PMU counts), and by /proc/cpuinfo if libpfm4 does not know the CPU.
Microarchitecture this_microarchitecture();

/// `AMD Zen 3`; `unknown`.
std::string_view to_string(Microarchitecture microarchitecture);

}  // namespace shadowwalk::pmu
