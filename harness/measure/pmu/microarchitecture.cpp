#include "harness/measure/pmu/microarchitecture.hpp"

#include <charconv>
#include <fstream>
#include <map>
#include <sstream>

#include "harness/measure/pmu/pfm.hpp"

namespace shadowwalk::pmu {
namespace {

using enum Microarchitecture;

/// The first CPU's lines of /proc/cpuinfo as `key -> value`.
std::map<std::string, std::string> fields_of_first_cpu(const std::string& cpuinfo) {
  std::map<std::string, std::string> fields;
  std::istringstream lines(cpuinfo);
  for (std::string line; std::getline(lines, line) && !(line.empty() && !fields.empty());) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t key_end = line.find_last_not_of(" \t", colon - 1);
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    if (key_end == std::string::npos || colon == 0) continue;
    fields[line.substr(0, key_end + 1)] = value == std::string::npos ? "" : line.substr(value);
  }
  return fields;
}

/// -1 where the field is missing or no number.
int number(const std::map<std::string, std::string>& fields, const char* key) {
  const auto found = fields.find(key);
  if (found == fields.end()) return -1;
  std::string_view text = found->second;
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  int value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

Microarchitecture intel(int family, int model) {
  if (family != 6) return unknown;
  switch (model) {
    case 0x4e:
    case 0x5e:
    case 0x8e:
    case 0x9e:
    case 0xa5:
    case 0xa6:
      return intel_skylake;
    case 0x55:
      return intel_skylake_server;
    case 0x7d:
    case 0x7e:
    case 0x8c:
    case 0x8d:
    case 0xa7:
      return intel_ice_lake;
    case 0x6a:
    case 0x6c:
      return intel_ice_lake_server;
    case 0x97:
    case 0x9a:
    case 0xb7:
    case 0xba:
    case 0xbf:
      return intel_golden_cove;
    case 0x8f:
      return intel_sapphire_rapids;
    default:
      return unknown;
  }
}

Microarchitecture amd(int family, int model) {
  if (family == 0x17) return model >= 0x30 ? amd_zen2 : unknown;  // below: Zen 1
  if (family == 0x1a) return amd_zen5;
  if (family != 0x19) return unknown;
  const bool zen4 = (model >= 0x10 && model <= 0x1f) || (model >= 0x60 && model <= 0x7f) || model >= 0xa0;
  return zen4 ? amd_zen4 : amd_zen3;
}

Microarchitecture arm(int part) {
  switch (part) {
    case 0xd0c:
      return arm_neoverse_n1;
    case 0xd40:
      return arm_neoverse_v1;
    case 0xd49:
      return arm_neoverse_n2;
    case 0xd4f:
      return arm_neoverse_v2;
    default:
      return unknown;
  }
}

}  // namespace

Microarchitecture microarchitecture_of_pfm_pmu(std::string_view name) {
  static const std::map<std::string_view, Microarchitecture> known = {
      {"skl", intel_skylake},          {"skx", intel_skylake_server},   {"clx", intel_skylake_server},
      {"icl", intel_ice_lake},         {"icx", intel_ice_lake_server},  {"adl_glc", intel_golden_cove},
      {"spr", intel_sapphire_rapids},  {"amd64_fam17h_zen2", amd_zen2}, {"amd64_fam19h_zen3", amd_zen3},
      {"amd64_fam19h_zen4", amd_zen4}, {"amd64_fam1ah_zen5", amd_zen5}, {"arm_n1", arm_neoverse_n1},
      {"arm_v1", arm_neoverse_v1},     {"arm_n2", arm_neoverse_n2},     {"arm_v2", arm_neoverse_v2},
  };
  const auto found = known.find(name);
  return found == known.end() ? unknown : found->second;
}

Microarchitecture microarchitecture_of_cpuinfo(const std::string& cpuinfo) {
  const auto fields = fields_of_first_cpu(cpuinfo);
  const auto vendor = fields.find("vendor_id");
  const int family = number(fields, "cpu family");
  const int model = number(fields, "model");
  if (vendor != fields.end() && vendor->second == "GenuineIntel") return intel(family, model);
  if (vendor != fields.end() && vendor->second == "AuthenticAMD") return amd(family, model);
  constexpr int kArmLtd = 0x41;
  if (number(fields, "CPU implementer") == kArmLtd) return arm(number(fields, "CPU part"));
  return unknown;
}

Microarchitecture this_microarchitecture() {
  if (const auto core = core_pmu()) {
    if (const Microarchitecture known = microarchitecture_of_pfm_pmu(core->name); known != unknown) return known;
  }
  std::ifstream file("/proc/cpuinfo");
  std::stringstream text;
  text << file.rdbuf();
  return microarchitecture_of_cpuinfo(text.str());
}

std::string_view to_string(Microarchitecture microarchitecture) {
  switch (microarchitecture) {
    case unknown:
      return "unknown";
    case intel_skylake:
      return "Intel Skylake";
    case intel_skylake_server:
      return "Intel Skylake-SP";
    case intel_ice_lake:
      return "Intel Ice Lake";
    case intel_ice_lake_server:
      return "Intel Ice Lake-SP";
    case intel_golden_cove:
      return "Intel Golden Cove (P-cores)";
    case intel_sapphire_rapids:
      return "Intel Sapphire Rapids";
    case amd_zen2:
      return "AMD Zen 2";
    case amd_zen3:
      return "AMD Zen 3";
    case amd_zen4:
      return "AMD Zen 4";
    case amd_zen5:
      return "AMD Zen 5";
    case arm_neoverse_n1:
      return "Arm Neoverse N1";
    case arm_neoverse_v1:
      return "Arm Neoverse V1";
    case arm_neoverse_n2:
      return "Arm Neoverse N2";
    case arm_neoverse_v2:
      return "Arm Neoverse V2";
  }
  return "unknown";
}

}  // namespace shadowwalk::pmu
