#pragma once

#include <linux/perf_event.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/measure/pmu/event_list.hpp"

/// libpfm4, initialised at the first use. It reads its environment then (LIBPFM_FORCE_PMU=spr encodes for a PMU that is
/// not there; LIBPFM_DISABLED_PMUS, ...). Thread-safe.
namespace shadowwalk::pmu {

/// The core PMU that libpfm4 detected, or must assume.
struct CorePmu {
  std::string name;         ///< `amd64_fam19h_zen4`
  std::string description;  ///< `AMD64 Fam19h Zen4`
  int counters = 0;         ///< general-purpose ones of one hardware thread, by libpfm4's table
};

/// Nothing if libpfm4 does not know this CPU. Even if it does, the kernel may not drive the CPU's PMU.
std::optional<CorePmu> core_pmu();

/// What libpfm4 makes of an event's name: type and config only, counting everywhere.
struct PfmEncoding {
  perf_event_attr attributes;
  std::string qualified;  ///< `spr::MEM_LOAD_RETIRED:L1_MISS`, unset modifiers left out
};

/// The encoding, or the reason in words.
std::variant<PfmEncoding, Refusal> encode_with_pfm(const std::string& event);

/// One event, or one of its unit masks, as `--events` takes it.
struct ListedEvent {
  std::string pmu;
  std::string name;
  std::string description;
};

/// All events of the PMUs that libpfm4 finds present (or must assume), including perf's generic and software events.
/// Uncore PMUs are left out: they count no thread.
std::vector<ListedEvent> pfm_events();

/// Whether libpfm4 has this event, written without modifiers, in the table of any PMU, of other CPUs too. Case is
/// ignored, as by libpfm4.
bool pfm_names_anywhere(std::string_view event);

}  // namespace shadowwalk::pmu
