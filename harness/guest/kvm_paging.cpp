#include "harness/guest/kvm_paging.hpp"

#include <fmt/format.h>

#include <optional>
#include <string_view>

namespace shadowwalk {
namespace {

/// A boolean parameter of a module: Y, N, 1 or 0.
std::optional<bool> parameter(const os::HostFiles& files, std::string_view module, std::string_view name) {
  const auto text = files.read(fmt::format("/sys/module/{}/parameters/{}", module, name));
  if (!text || text->empty()) return std::nullopt;
  return *text == "Y" || *text == "1";
}

}  // namespace

KvmPaging kvm_paging(const os::HostFiles& files) {
  using Kind = KvmPaging::Kind;
  struct Vendor {
    const char* module;
    const char* parameter;
    const char* paging;
  };
  const char* const tdp_mmu = parameter(files, "kvm", "tdp_mmu").value_or(false) ? ", TDP MMU" : "";
  for (const Vendor& vendor : {Vendor{"kvm_intel", "ept", "EPT"}, Vendor{"kvm_amd", "npt", "NPT"}}) {
    if (!files.exists(fmt::format("/sys/module/{}", vendor.module))) continue;
    const auto is_on = parameter(files, vendor.module, vendor.parameter);
    if (!is_on) return {Kind::unknown, "", vendor.module, vendor.parameter};
    if (*is_on) return {Kind::hardware, fmt::format("{}{}", vendor.paging, tdp_mmu), vendor.module, vendor.parameter};
    return {Kind::shadow, fmt::format("shadow paging ({} is off)", vendor.paging), vendor.module, vendor.parameter};
  }
  if (files.exists("/sys/module/kvm_pvm")) return {Kind::shadow, "shadow paging (PVM)", "kvm_pvm", ""};
  return {};
}

}  // namespace shadowwalk
