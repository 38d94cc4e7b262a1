#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "harness/doctor/finding.hpp"

namespace shadowwalk::doctor {
namespace {

Mend mend_kvm(const Host& host) {
  switch (host.live.kvm.open_error) {
    case ENOENT:
      if (has_cpu_flag(host, "svm")) return {as_root(host, "modprobe kvm_amd"), ""};
      if (has_cpu_flag(host, "vmx")) return {as_root(host, "modprobe kvm_intel"), ""};
      if (is_virtual(host)) {
        return {"", "it cannot be changed inside: enable nested virtualisation for this VM on the host below"};
      }
      return {"", "enable virtualisation (VT-x, SVM) in the firmware; in a container, pass /dev/kvm in"};
    case EACCES:
    case EPERM:
      if (host.live.is_root) return {"", "in a container, pass the device in (docker run --device /dev/kvm)"};
      if (host.live.kvm.group.empty()) return {"sudo setfacl -m u:$USER:rw /dev/kvm", ""};
      return {fmt::format("sudo usermod -aG {} $USER", host.live.kvm.group), ""};  // holds from the next login on
    case 0:
      return {"", "see the reason; until then use thread guests (--guest thread)"};
    default:
      return {"", "enable virtualisation (VT-x, SVM) in the firmware; until then use thread guests (--guest thread)"};
  }
}

Finding kvm(const Host& host) {
  std::string reason = host.live.kvm.unavailable;
  if (reason.empty()) return {"kvm", State::ok, "/dev/kvm opens, a VM can be made", "", {}};
  reason.resize(std::min(reason.find(" ("), reason.size()));  // its remedy stands in `mend`
  return {"kvm", State::lack, reason, "guests run as threads: no exits, no KVM statistics", mend_kvm(host)};
}

/// A boolean parameter of a module: Y, N, 1 or 0.
std::optional<bool> parameter(const Host& host, std::string_view module, std::string_view name) {
  const auto text = host.files.read(fmt::format("/sys/module/{}/parameters/{}", module, name));
  if (!text || text->empty()) return std::nullopt;
  return *text == "Y" || *text == "1";
}

struct Kind {
  State state;
  std::string value;
  std::string how_known;
  Mend mend;
};

/// How KVM translates the guest's addresses, by the module that serves it.
Kind kind_of(const Host& host) {
  struct Vendor {
    const char* module;
    const char* parameter;
    const char* paging;
  };
  const bool has_tdp_mmu = parameter(host, "kvm", "tdp_mmu").value_or(false);
  for (const Vendor& vendor : {Vendor{"kvm_intel", "ept", "EPT"}, Vendor{"kvm_amd", "npt", "NPT"}}) {
    if (!host.files.exists(fmt::format("/sys/module/{}", vendor.module))) continue;
    const auto is_on = parameter(host, vendor.module, vendor.parameter);
    const std::string known = fmt::format("known from {}.{}", vendor.module, vendor.parameter);
    if (!is_on)
      return {
          State::note, "not reported", fmt::format("module {} is there, its parameters are not", vendor.module), {}};
    if (*is_on) return {State::ok, fmt::format("{}{}", vendor.paging, has_tdp_mmu ? ", TDP MMU" : ""), known, {}};
    return {
        State::note,
        fmt::format("shadow paging ({} is off)", vendor.paging),
        known,
        {as_root(host, fmt::format("sh -c 'modprobe -r {0} && modprobe {0} {1}=1'", vendor.module, vendor.parameter)),
         ""}};
  }
  if (host.files.exists("/sys/module/kvm_pvm")) {
    return {State::note, "shadow paging (PVM)", "known from the module kvm_pvm, which needs no hardware support", {}};
  }
  if (!host.live.kvm.unavailable.empty()) return {State::note, "none", "KVM is not available", {}};
  if (has_tdp_mmu) return {State::ok, "two-dimensional paging", "inferred from kvm.tdp_mmu", {}};
  return {State::note, "unknown", "no known module provides /dev/kvm", {}};
}

Finding kvm_kind(const Host& host) {
  Kind kind = kind_of(host);
  if (host.live.kvm.unavailable.empty() && is_virtual(host)) {
    kind.value += ", nested";
    kind.state = State::note;
    kind.how_known +=
        "; inferred: inside a VM, so exits cost a multiple of bare metal's (--walks-per-exit spreads them)";
  }
  return {"kvm_kind", kind.state, kind.value, kind.how_known, kind.mend};
}

Finding kvm_vcpus(const Host& host) {
  const LiveFacts::Kvm& facts = host.live.kvm;
  const auto number = [](int count) { return count > 0 ? fmt::format("{}", count) : std::string("not reported"); };
  return {"kvm_vcpus",
          State::ok,
          fmt::format("recommended: {}; at most: {}", number(facts.recommended_vcpus), number(facts.max_vcpus)),
          "more than CPUs are oversubscribed",
          {}};
}

Finding kvm_statistics(const Host& host) {
  if (host.live.kvm.statistics)
    return {"kvm_statistics", State::ok, "KVM_GET_STATS_FD", "recorded for each KVM cell", {}};
  const bool has_kvm = host.live.kvm.unavailable.empty();
  return {"kvm_statistics", State::lack, has_kvm ? "not in this kernel" : "no KVM",
          "the kernel's own counts (exits, zapped shadow pages) are not recorded",
          has_kvm ? Mend{"", "upgrade the kernel to 5.14 or later"} : mend_kvm(host)};
}

}  // namespace

std::vector<Finding> examine_kvm(const Host& host) {
  return {kvm(host), kvm_kind(host), kvm_vcpus(host), kvm_statistics(host)};
}

}  // namespace shadowwalk::doctor
