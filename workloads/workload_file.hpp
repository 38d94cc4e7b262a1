#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "workloads/workload.hpp"

namespace shadowwalk {

/// Reads a workload in full (docs/workloads.md has the keys). Throws InputError, `file:line:column: what is wrong; what
/// to do`. Pure, thread-safe.
Workload parse_workload(std::string_view text, const std::string& file);

/// The same for a file. Throws InputError also when it cannot be read.
Workload read_workload(const std::filesystem::path& file);

/// A workload's file as it was when the library was built. So the library needs no data directory.
struct ShippedWorkload {
  const char* file;  ///< for complaints: workloads/NAME.toml
  const char* text;
};

std::span<const ShippedWorkload> shipped_workloads();

}  // namespace shadowwalk
