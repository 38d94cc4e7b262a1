#include "harness/host_kvm/kvm_modules.hpp"

#include <fstream>

namespace shadowwalk::host_kvm {
namespace {

std::string parameter(const std::string& modules, const std::string& module, const std::string& name) {
  std::ifstream file(modules + "/" + module + "/parameters/" + name);
  std::string value;
  file >> value;
  return value;
}

bool is_on(const std::string& value) { return value == "Y" || value == "1"; }

}  // namespace

std::map<std::string, std::string> kvm_modules(const std::string& modules) {
  constexpr const char* kTelling[][2] = {{"kvm", "tdp_mmu"},       {"kvm", "mmio_caching"}, {"kvm", "eager_page_split"},
                                         {"kvm", "nx_huge_pages"}, {"kvm_intel", "ept"},    {"kvm_amd", "npt"}};
  std::map<std::string, std::string> found;
  for (const auto& [module, name] : kTelling) {
    const std::string value = parameter(modules, module, name);
    if (!value.empty()) found[std::string(module) + "." + name] = value;
  }
  return found;
}

// The quota counts the shadow MMU's pages: where the TDP MMU maps the guest there are none.
std::string quota_ignored_reason(const std::string& modules) {
  const bool has_tdp = is_on(parameter(modules, "kvm_intel", "ept")) || is_on(parameter(modules, "kvm_amd", "npt"));
  if (!has_tdp || !is_on(parameter(modules, "kvm", "tdp_mmu"))) return {};
  return "the TDP MMU maps guests (kvm.tdp_mmu=Y), which KVM_SET_NR_MMU_PAGES has no power over";
}

}  // namespace shadowwalk::host_kvm
