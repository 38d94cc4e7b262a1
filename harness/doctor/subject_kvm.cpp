#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "harness/doctor/finding.hpp"
#include "harness/guest/kvm_paging.hpp"

namespace shadowwalk::doctor {
namespace {

Finding kvm(const Host& host) {
  std::string reason = host.live.kvm.unavailable;
  if (reason.empty()) return ok("/dev/kvm opens, a VM can be made");
  reason.resize(std::min(reason.find(" ("), reason.size()));  // its remedy stands in `mend`
  return lack(reason, "guests run as threads: no exits, no KVM statistics", mend_kvm(host));
}

/// How KVM translates the guest's addresses, by the module that serves it.
Finding paging(const Host& host) {
  const KvmPaging paging = kvm_paging(host.files);
  if (paging.module.empty()) {
    if (!host.live.kvm.unavailable.empty()) return note("none", "KVM is not available");
    if (host.files.read("/sys/module/kvm/parameters/tdp_mmu").value_or("N") == "Y") {
      return ok("two-dimensional paging", "inferred from kvm.tdp_mmu");
    }
    return note("unknown", "no known module provides /dev/kvm");
  }
  if (paging.parameter.empty()) {
    return note(paging.name, fmt::format("known from the module {}, which needs no hardware support", paging.module));
  }
  const std::string known = fmt::format("known from {}.{}", paging.module, paging.parameter);
  switch (paging.kind) {
    case KvmPaging::Kind::hardware:
      return ok(paging.name, known);
    case KvmPaging::Kind::shadow:
      return note(paging.name, known,
                  run(as_root(host, fmt::format("sh -c 'modprobe -r {0} && modprobe {0} {1}=1'", paging.module,
                                                paging.parameter))));
    case KvmPaging::Kind::unknown:
      break;
  }
  return note("not reported", fmt::format("module {} is there, its parameters are not", paging.module));
}

Finding kvm_kind(const Host& host) {
  Finding kind = paging(host);
  if (host.live.kvm.unavailable.empty() && is_virtual(host)) {
    kind.value += ", nested";
    kind.state = State::note;
    kind.meaning += "; inferred: inside a VM, so exits cost a multiple of bare metal's (--walks-per-exit spreads them)";
  }
  return kind;
}

Finding kvm_vcpus(const Host& host) {
  const LiveFacts::Kvm& facts = host.live.kvm;
  const auto number = [](int count) { return count > 0 ? fmt::format("{}", count) : std::string("not reported"); };
  return ok(fmt::format("recommended: {}; at most: {}", number(facts.recommended_vcpus), number(facts.max_vcpus)),
            "more than CPUs are oversubscribed");
}

Finding kvm_statistics(const Host& host) {
  if (host.live.kvm.statistics) return ok("KVM_GET_STATS_FD", "recorded for each KVM cell");
  const bool has_kvm = host.live.kvm.unavailable.empty();
  return lack(has_kvm ? "not in this kernel" : "no KVM",
              "the kernel's own counts (exits, zapped shadow pages) are not recorded",
              has_kvm ? advise("upgrade the kernel to 5.14 or later") : mend_kvm(host));
}

}  // namespace

Mend mend_kvm(const Host& host) {
  switch (host.live.kvm.open_error) {
    case ENOENT:
      if (has_cpu_flag(host, "svm")) return run(as_root(host, "modprobe kvm_amd"));
      if (has_cpu_flag(host, "vmx")) return run(as_root(host, "modprobe kvm_intel"));
      if (is_virtual(host)) {
        return advise("it cannot be changed inside: enable nested virtualisation for this VM on the host below");
      }
      return advise("enable virtualisation (VT-x, SVM) in the firmware; in a container, pass /dev/kvm in");
    case EACCES:
    case EPERM:
      if (host.live.is_root) return advise("in a container, pass the device in (docker run --device /dev/kvm)");
      if (host.live.kvm.group.empty()) return run("sudo setfacl -m u:$USER:rw /dev/kvm");
      return run(fmt::format("sudo usermod -aG {} $USER", host.live.kvm.group));  // holds from the next login on
    case 0:
      return advise("see the reason; until then use thread guests (--guest thread)");
    default:
      return advise("enable virtualisation (VT-x, SVM) in the firmware; until then use thread guests (--guest thread)");
  }
}

std::vector<Finding> examine_kvm(const Host& host) {
  return findings_of(
      host, {{"kvm", kvm}, {"kvm_kind", kvm_kind}, {"kvm_vcpus", kvm_vcpus}, {"kvm_statistics", kvm_statistics}});
}

}  // namespace shadowwalk::doctor
