#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/machine/placement.hpp"

/// Numbers of vCPUs that a host decides: `vcpus = "scale"` of a matrix.
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

/// What the numbers of some cells come from.
struct HostRoom {
  std::string placement;
  unsigned reserved = 0;  ///< CPUs that are kept from vCPUs
  VcpuRoom room;          ///< beside them
  friend bool operator==(const HostRoom&, const HostRoom&) = default;
};

/// What scales came to, in all cells of a plan.
struct VcpuNumbers {
  std::vector<unsigned> vcpus;  ///< ascending, each once
  unsigned reserved = 0;        ///< in the cells that keep most CPUs from vCPUs
  std::vector<HostRoom> rooms;  ///< each once
  friend bool operator==(const VcpuNumbers&, const VcpuNumbers&) = default;

  void add(unsigned number, const HostRoom& host);
};

/// Why this host would come to other numbers, in words; nothing: it has the same rooms.
std::optional<std::string> why_not_here(const VcpuNumbers& numbers);

}  // namespace shadowwalk::run
