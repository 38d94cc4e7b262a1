#pragma once

#include <span>

namespace shadowwalk {

/// A workload's file as it was when the library was built, so that the library needs no data directory.
struct ShippedWorkload {
  const char* file;  ///< for complaints: workloads/NAME.toml
  const char* text;
};

std::span<const ShippedWorkload> shipped_workloads();

}  // namespace shadowwalk
