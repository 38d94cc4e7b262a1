#include "harness/measure/pmu/microarchitecture.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

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

/// A core: its name in words, the names that libpfm4 gives its PMU, and its numbers in /proc/cpuinfo. AMD's models are
/// ranges (amd()).
struct Core {
  Microarchitecture core;
  std::string_view name;
  std::vector<std::string_view> pfm_names;
  std::vector<int> intel_models{};  ///< of family 6
  std::vector<int> arm_parts{};
};

const std::vector<Core>& cores() {
  static const std::vector<Core> kCores = {
      {intel_skylake, "Intel Skylake", {"skl"}, {0x4e, 0x5e, 0x8e, 0x9e, 0xa5, 0xa6}},
      {intel_skylake_server, "Intel Skylake-SP", {"skx", "clx"}, {0x55}},
      {intel_ice_lake, "Intel Ice Lake", {"icl"}, {0x7d, 0x7e, 0x8c, 0x8d, 0xa7}},
      {intel_ice_lake_server, "Intel Ice Lake-SP", {"icx"}, {0x6a, 0x6c}},
      {intel_golden_cove, "Intel Golden Cove (P-cores)", {"adl_glc"}, {0x97, 0x9a, 0xb7, 0xba, 0xbf}},
      {intel_sapphire_rapids, "Intel Sapphire Rapids", {"spr"}, {0x8f}},
      {amd_zen2, "AMD Zen 2", {"amd64_fam17h_zen2"}},
      {amd_zen3, "AMD Zen 3", {"amd64_fam19h_zen3"}},
      {amd_zen4, "AMD Zen 4", {"amd64_fam19h_zen4"}},
      {amd_zen5, "AMD Zen 5", {"amd64_fam1ah_zen5"}},
      {arm_neoverse_n1, "Arm Neoverse N1", {"arm_n1"}, {}, {0xd0c}},
      {arm_neoverse_v1, "Arm Neoverse V1", {"arm_v1"}, {}, {0xd40}},
      {arm_neoverse_n2, "Arm Neoverse N2", {"arm_n2"}, {}, {0xd49}},
      {arm_neoverse_v2, "Arm Neoverse V2", {"arm_v2"}, {}, {0xd4f}},
  };
  return kCores;
}

template <class Condition>
Microarchitecture core_with(Condition condition) {
  const auto found = std::ranges::find_if(cores(), condition);
  return found == cores().end() ? unknown : found->core;
}

Microarchitecture amd(int family, int model) {
  if (family == 0x17) return model >= 0x30 ? amd_zen2 : unknown;  // below: Zen 1
  if (family == 0x1a) return amd_zen5;
  if (family != 0x19) return unknown;
  const bool zen4 = (model >= 0x10 && model <= 0x1f) || (model >= 0x60 && model <= 0x7f) || model >= 0xa0;
  return zen4 ? amd_zen4 : amd_zen3;
}

}  // namespace

Microarchitecture microarchitecture_of_pfm_pmu(std::string_view name) {
  return core_with([&](const Core& row) { return std::ranges::count(row.pfm_names, name) != 0; });
}

Microarchitecture microarchitecture_of_cpuinfo(const std::string& cpuinfo) {
  const auto fields = fields_of_first_cpu(cpuinfo);
  const auto vendor = fields.find("vendor_id");
  const int family = number(fields, "cpu family");
  const int model = number(fields, "model");
  if (vendor != fields.end() && vendor->second == "GenuineIntel" && family == 6) {
    return core_with([&](const Core& row) { return std::ranges::count(row.intel_models, model) != 0; });
  }
  if (vendor != fields.end() && vendor->second == "AuthenticAMD") return amd(family, model);
  constexpr int kArmLtd = 0x41;
  if (number(fields, "CPU implementer") != kArmLtd) return unknown;
  const int part = number(fields, "CPU part");
  return core_with([&](const Core& row) { return std::ranges::count(row.arm_parts, part) != 0; });
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
  const auto row = std::ranges::find(cores(), microarchitecture, &Core::core);
  return row == cores().end() ? "unknown" : row->name;
}

}  // namespace shadowwalk::pmu
