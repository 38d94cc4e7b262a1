#include <fmt/format.h>
#include <unistd.h>

#include <sstream>

#include "harness/doctor/subjects.hpp"

namespace shadowwalk::doctor {
namespace {

Finding machine(const Host& host) {
  if (!is_virtual(host)) return {"machine", State::ok, "no hypervisor told", "times are the hardware's own", {}};
  const std::string& signature = host.live.hypervisor;
  return {"machine",
          State::note,
          signature.empty() ? "virtual" : fmt::format("virtual, under {}", signature),
          "the host below may take CPUs away and move them to other cores: look at steal and spread",
          {}};
}

Finding kernel(const Host& host) { return {"kernel", State::ok, host.live.kernel, "", {}}; }

Finding clock(const Host& host) {
  const std::string value = fmt::format("{}; a read costs {:.1f} ns", host.live.clock, host.live.clock_read_ns);
  if (host.live.clock_is_tsc) return {"clock", State::ok, value, "every single-walk sample contains one read", {}};
  return {"clock",
          State::note,
          value,
          "the kernel's clock costs more than the TSC: compare bursts, not single walks",
          {"", "nothing mends it here: the CPU or its hypervisor has no invariant TSC that the kernel trusts"}};
}

Finding steal(const Host& host) {
  std::istringstream line(host.files.read("/proc/stat").value_or(""));
  std::string label;
  std::uint64_t column = 0, ticks = 0, columns = 0;
  for (line >> label; columns < 8 && line >> column; ++columns) ticks = column;
  const bool is_told = label == "cpu" && columns == 8;
  if (!is_told) {
    return {"steal",
            State::lack,
            "not told by /proc/stat",
            "time that other virtual machines took goes unseen",
            {"", "mount /proc, or upgrade the kernel"}};
  }
  if (!is_virtual(host)) return {"steal", State::ok, "none: there is no host below", "", {}};
  const double seconds = static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return {"steal",
          State::ok,
          fmt::format("{:.1f} s since boot, all CPUs", seconds),
          ticks == 0 ? "none yet, or the host below does not tell" : "recorded for each cell",
          {}};
}

Finding membarrier(const Host& host) {
  const std::string& reason = host.live.membarrier_unavailable;
  if (reason.empty()) return {"membarrier", State::ok, "private expedited", "", {}};
  return {"membarrier",
          State::lack,
          reason,
          "schemes with asymmetric fences cannot run",
          {"", "upgrade the kernel to 4.14 or later, with CONFIG_MEMBARRIER; in a container, permit the system call"}};
}

Finding aslr(const Host& host) {
  constexpr std::int64_t kMostForThreadSanitizer = 28;
  const auto bits = host.files.read_number("/proc/sys/vm/mmap_rnd_bits");
  if (!bits) return {"aslr", State::ok, "vm.mmap_rnd_bits not told", "", {}};
  const std::string value = fmt::format("{} random bits of an address", *bits);
  if (*bits <= kMostForThreadSanitizer) return {"aslr", State::ok, value, "", {}};
  return {"aslr",
          State::note,
          value,
          "ThreadSanitizer builds by older compilers may not start; nothing else minds",
          {as_root(host, fmt::format("sysctl vm.mmap_rnd_bits={}", kMostForThreadSanitizer)), ""}};
}

}  // namespace

std::vector<Finding> examine_machine(const Host& host) {
  return {machine(host), kernel(host), clock(host), steal(host), membarrier(host), aslr(host)};
}

}  // namespace shadowwalk::doctor
