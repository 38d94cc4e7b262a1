#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "harness/host/floors.hpp"
#include "harness/host/kernel_facts.hpp"

namespace shadowwalk::host {

/// What stands beside every figure that is measured on this host.
struct HostFacts {
  Floors floors;
  KernelFacts kernel;
  std::string cpu;       ///< the model; empty: not reported
  std::size_t cpus = 0;  ///< that this process may run on
  bool is_virtual_machine = false;
};

/// Measures and asks this host: takes about half a second, and disturbs whatever runs on it. `why_no_floors`: why
/// nothing may be measured; empty: it may. Throws nothing but std::bad_alloc.
HostFacts observe_host(const std::string& why_no_floors = {});

/// The object `host` of docs/result-format.md: what is not known is absent, with its reason in `unavailable`.
nlohmann::ordered_json to_json(const HostFacts& facts);

}  // namespace shadowwalk::host
