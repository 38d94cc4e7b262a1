#include "harness/measure/memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <system_error>

#include "harness/measure/cgroup.hpp"
#include "harness/os/files.hpp"

namespace shadowwalk {
namespace {

std::string meminfo() { return os::read_if_readable("/proc/meminfo").value_or(""); }

}  // namespace

std::uint64_t rss_bytes() {
  // Not smaps_rollup: it is exact, but walks every page of the process with its memory map locked.
  std::ifstream file("/proc/self/statm");
  std::uint64_t total_pages = 0, resident_pages = 0;
  if (!(file >> total_pages >> resident_pages)) return 0;
  return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::optional<std::uint64_t> sec_page_tables_bytes() { return meminfo_bytes(meminfo(), "SecPageTables"); }

std::uint64_t available_memory_bytes(const os::HostFiles& files) {
  const std::uint64_t of_host = meminfo_bytes(files.read("/proc/meminfo").value_or(""), "MemAvailable").value_or(0);
  const std::optional<MemoryLimit> limit = memory_limit(files);
  if (!limit) return of_host;
  // Not 0, which would say that nothing is known.
  const std::uint64_t left = std::max<std::uint64_t>(limit->left_bytes(), 1);
  return of_host == 0 ? left : std::min(of_host, left);
}

std::optional<std::uint64_t> meminfo_bytes(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() == text.size() ? line.size() : line.size() + 1);
    if (!line.starts_with(key) || line.substr(key.size(), 1) != ":") continue;
    line.remove_prefix(key.size() + 1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    std::uint64_t kib = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), kib);
    const std::string_view unit(end, static_cast<std::size_t>(line.data() + line.size() - end));
    if (error != std::errc() || unit != " kB" || kib > ~std::uint64_t{0} / 1024) return std::nullopt;
    return kib * 1024;
  }
  return std::nullopt;
}

}  // namespace shadowwalk
