#pragma once

#include <optional>
#include <string_view>

namespace shadowwalk::replay {

/// The file of a workload that is a trace, as a command line names it: `trace:my.swtrace`. Nothing for other workloads.
constexpr std::optional<std::string_view> trace_file(std::string_view workload) {
  constexpr std::string_view kPrefix = "trace:";
  if (!workload.starts_with(kPrefix)) return std::nullopt;
  return workload.substr(kPrefix.size());
}

}  // namespace shadowwalk::replay
