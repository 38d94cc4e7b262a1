#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/measure/pmu/event_list.hpp"

/// PMUs that the kernel describes under /sys/bus/event_source/devices, by perf's spelling: `msr/tsc/`,
/// `cpu/event=0x43,umask=0x02/u`, `ibs_op/cnt_ctl=1/`. All functions are thread-safe.
namespace shadowwalk::pmu {

/// Where a term's bits belong: word 0 is `config`, 1 `config1`, and so on; `bits` from a term's lowest bit upwards.
struct TermFormat {
  unsigned word = 0;
  std::vector<unsigned> bits;
};

/// Parses a format file: `config:0-7,32-35`. Nothing if it is malformed. Pure.
std::optional<TermFormat> parse_term_format(std::string_view text);

/// Puts `value` where the format says; false if it has more bits than the format. Pure.
bool put_term(const TermFormat& format, std::uint64_t value, perf_event_attr& attributes);

/// Encodes `pmu/terms/modifiers`, or says why not.
std::variant<EncodedEvent, Refusal> encode_sysfs_event(const std::string& event, const SystemPaths& paths,
                                                       CountedCode code = CountedCode::user);

/// Whether the kernel drives a PMU of the CPU's cores.
bool has_core_pmu(const SystemPaths& paths);

/// A PMU and its named events, as `--events` takes them.
struct SysfsPmu {
  std::string name;
  std::vector<std::string> events;
};

/// Sorted by name; empty where sysfs is not mounted.
std::vector<SysfsPmu> sysfs_pmus(const SystemPaths& paths);

}  // namespace shadowwalk::pmu
