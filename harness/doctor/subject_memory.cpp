#include <fmt/format.h>

#include <algorithm>

#include "harness/doctor/cgroup.hpp"
#include "harness/doctor/subjects.hpp"
#include "harness/measure/memory.hpp"

namespace shadowwalk::doctor {
namespace {

constexpr std::uint64_t kPlenty = std::uint64_t{2} << 30;

Finding memory(const std::string& meminfo) {
  const auto available = meminfo_bytes(meminfo, "MemAvailable");
  if (!available) {
    return {"memory",
            State::lack,
            "MemAvailable not told",
            "the lab cannot tell how large a page pool may be",
            {"", "mount /proc, or upgrade the kernel to 3.14 or later"}};
  }
  const std::string value = fmt::format("{} available", in_words(*available));
  if (*available >= kPlenty) return {"memory", State::ok, value, "", {}};
  return {"memory",
          State::note,
          value,
          "`leak` and long cells need more: they are refused past half of it",
          {"", "end other processes, or take shorter cells and lower zap rates"}};
}

Finding limit(const Host& host, const std::string& meminfo) {
  const auto limit = memory_limit(host.files);
  if (!limit) return {"memory_limit", State::ok, "none", "", {}};
  const std::string value = fmt::format("{} ({} used)", in_words(limit->bytes), in_words(limit->used_bytes));
  const std::uint64_t left = limit->bytes - std::min(limit->bytes, limit->used_bytes);
  if (left >= meminfo_bytes(meminfo, "MemAvailable").value_or(0)) return {"memory_limit", State::ok, value, "", {}};
  return {"memory_limit",
          State::note,
          value,
          "below what the host has: a cell that passes it is killed, not refused",
          {write_as_root(host, limit->unlimited, limit->file), ""}};
}

Finding numa(const Host& host) {
  const auto names = host.files.list("/sys/devices/system/node");
  const auto nodes = std::count_if(names.begin(), names.end(), [](const std::string& name) {
    return name.starts_with("node") && name.size() > 4 && name[4] >= '0' && name[4] <= '9';
  });
  if (nodes <= 1) return {"numa", State::ok, nodes == 1 ? "1 node" : "not told", "", {}};
  return {"numa",
          State::note,
          fmt::format("{} nodes", nodes),
          "where threads and tables are matters: choose with --placement llc or numa",
          {}};
}

Finding thp(const Host& host) {
  const std::string file = "/sys/kernel/mm/transparent_hugepage/enabled";
  const std::string modes = host.files.read(file).value_or("");
  const std::size_t open = modes.find('['), close = modes.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) {
    return {"thp",
            State::note,
            "not told",
            "the pool of shadow pages lies on small pages: more TLB misses",
            {"", "a kernel with CONFIG_TRANSPARENT_HUGEPAGE"}};
  }
  const std::string mode = modes.substr(open + 1, close - open - 1);
  if (mode != "never") return {"thp", State::ok, mode, "the pool of shadow pages lies on huge pages", {}};
  return {"thp",
          State::note,
          mode,
          "the pool of shadow pages lies on small pages: more TLB misses",
          {write_as_root(host, "madvise", file), ""}};
}

Finding huge_pages(const Host& host) {
  const auto reserved = host.files.read_number("/proc/sys/vm/nr_hugepages");
  if (!reserved) return {"huge_pages", State::ok, "not told", "", {}};
  if (*reserved == 0) return {"huge_pages", State::ok, "0 reserved", "the lab takes transparent ones", {}};
  return {"huge_pages",
          State::note,
          fmt::format("{} reserved", *reserved),
          "the lab does not use them: memory it lacks",
          {as_root(host, "sysctl vm.nr_hugepages=0"), ""}};
}

Finding sec_page_tables(const std::string& meminfo) {
  const auto bytes = meminfo_bytes(meminfo, "SecPageTables");
  if (bytes) return {"sec_page_tables", State::ok, fmt::format("{} KiB", *bytes / 1024), "KVM's own page tables", {}};
  return {"sec_page_tables",
          State::lack,
          "not told",
          "what KVM's own page tables take stays unknown",
          {"", "upgrade the kernel to 6.1 or later"}};
}

}  // namespace

std::vector<Finding> examine_memory(const Host& host) {
  const std::string meminfo = host.files.read("/proc/meminfo").value_or("");
  return {memory(meminfo), limit(host, meminfo), numa(host), thp(host), huge_pages(host), sec_page_tables(meminfo)};
}

}  // namespace shadowwalk::doctor
