#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "harness/machine/placement.hpp"

/// Numbers of vCPUs that a host decides: `vcpus = "scale"` of a matrix. All functions are pure and thread-safe.
namespace shadowwalk::run {

/// `scale`, or `scale:` and a part of what it stands for: each entry is a number of vCPUs, or a part of the host.
struct VcpuScale {
  enum class Part {
    number,  ///< `number` vCPUs
    llc,     ///< one last-level cache
    socket,  ///< one package, less the CPUs that are reserved
    max,     ///< all, less the CPUs that are reserved
  };
  struct Entry {
    Part part = Part::number;
    unsigned number = 0;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::vector<Entry> entries;  ///< at least one, each once
};

/// What parse_vcpu_scale() takes, in words.
inline constexpr char kVcpuScaleChoices[] = "scale, or a part of it such as scale:1,2,4,llc,socket,max";

/// Nothing if the text is none of kVcpuScaleChoices. `largest`: of a number of vCPUs.
std::optional<VcpuScale> parse_vcpu_scale(std::string_view text, unsigned largest);

/// The numbers of vCPUs, ascending, each once, that have room. Empty where every entry is a number without room.
std::vector<unsigned> resolve(const VcpuScale& scale, const VcpuRoom& room, unsigned largest);

/// How many CPUs are kept from vCPUs: one per zapper, and one for the reclaimer that their zaps give work. The same for
/// all variants, since they are compared.
constexpr unsigned reserved_cpus(unsigned zappers) { return zappers == 0 ? 0 : zappers + 1; }

}  // namespace shadowwalk::run
