#include "harness/measure/pmu/pfm.hpp"

#include <fmt/format.h>
#include <perfmon/pfmlib_perf_event.h>  // after linux/perf_event.h, whose types it needs
#include <strings.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>

namespace shadowwalk::pmu {
namespace {

/// libpfm4 keeps state without locks: one caller at a time.
std::mutex& pfm_mutex() {
  static std::mutex mutex;
  return mutex;
}

/// Empty once libpfm4 is ready.
const std::string& initialisation_error() {
  static const std::string error = [] {
    const int result = pfm_initialize();
    return result == PFM_SUCCESS ? std::string{} : fmt::format("libpfm4: {}", pfm_strerror(result));
  }();
  return error;
}

template <class Info>
Info empty_info() {
  Info info;
  std::memset(&info, 0, sizeof(info));
  info.size = sizeof(info);
  return info;
}

template <class Visit>
void for_each_pmu(Visit visit) {
  for (int i = PFM_PMU_NONE + 1; i < PFM_PMU_MAX; ++i) {
    auto info = empty_info<pfm_pmu_info_t>();
    if (pfm_get_pmu_info(static_cast<pfm_pmu_t>(i), &info) == PFM_SUCCESS) visit(info);
  }
}

template <class Visit>
void for_each_present_pmu(Visit visit) {
  for_each_pmu([&](const pfm_pmu_info_t& info) {
    if (info.is_present != 0) visit(info);
  });
}

template <class Visit>
void for_each_event(const pfm_pmu_info_t& pmu, Visit visit) {
  for (int event = pmu.first_event; event != -1; event = pfm_get_event_next(event)) {
    auto info = empty_info<pfm_event_info_t>();
    if (pfm_get_event_info(event, PFM_OS_PERF_EVENT, &info) == PFM_SUCCESS && info.name != nullptr) visit(event, info);
  }
}

/// Drops modifiers that libpfm4 spells out although they are off (`:e=0:i=0:c=0`), and privilege levels, which are
/// decided later.
std::string without_unset_modifiers(std::string_view qualified) {
  const std::size_t pmu_end = qualified.find("::");
  std::size_t begin = pmu_end == std::string_view::npos ? 0 : pmu_end + 2;
  std::string kept(qualified.substr(0, begin));
  bool first = true;
  while (begin <= qualified.size()) {
    const std::size_t end = std::min(qualified.find(':', begin), qualified.size());
    const std::string_view part = qualified.substr(begin, end - begin);
    const std::string_view key = part.substr(0, part.find('='));
    const bool level =
        part.size() != key.size() && (key == "u" || key == "k" || key == "h" || key == "mg" || key == "mh");
    if (!level && !part.ends_with("=0")) {
      kept += fmt::format("{}{}", first ? "" : ":", part);
      first = false;
    }
    begin = end + 1;
  }
  return kept;
}

std::string explain(int error, const std::string& event) {
  switch (error) {
    case PFM_ERR_NOTFOUND:
      return "libpfm4 knows no such event for this CPU; `shadowwalk list events` lists what there is";
    case PFM_ERR_UMASK:
      return fmt::format("unit mask missing or unknown; `shadowwalk list events {}` lists what there is",
                         event.substr(0, event.find(':')));
    case PFM_ERR_FEATCOMB:
      return "libpfm4: these unit masks cannot be combined";
    default:
      return fmt::format("libpfm4: {}", pfm_strerror(error));
  }
}

void list_unit_masks(std::vector<ListedEvent>& list, const pfm_pmu_info_t& pmu, int event,
                     const pfm_event_info_t& info) {
  for (int i = 0; i < info.nattrs; ++i) {
    auto attribute = empty_info<pfm_event_attr_info_t>();
    if (pfm_get_event_attr_info(event, i, PFM_OS_PERF_EVENT, &attribute) != PFM_SUCCESS) continue;
    if (attribute.type != PFM_ATTR_UMASK) continue;
    list.push_back({pmu.name, fmt::format("{}:{}", info.name, attribute.name), attribute.desc ? attribute.desc : ""});
  }
}

}  // namespace

std::optional<CorePmu> core_pmu() {
  const std::lock_guard lock(pfm_mutex());
  if (!initialisation_error().empty()) return std::nullopt;
  std::optional<CorePmu> core;
  for_each_present_pmu([&](const pfm_pmu_info_t& info) {
    // Intel's architectural PMU is present beside the model's own: it has no events of its own.
    if (info.type != PFM_PMU_TYPE_CORE || info.nevents == 0 || core) return;
    core = CorePmu{info.name, info.desc, info.num_cntrs};
  });
  return core;
}

std::variant<PfmEncoding, Refusal> encode_with_pfm(const std::string& event) {
  const std::lock_guard lock(pfm_mutex());
  if (!initialisation_error().empty()) return Refusal{event, initialisation_error()};
  PfmEncoding encoding{};
  encoding.attributes.size = sizeof(encoding.attributes);
  char* qualified = nullptr;
  pfm_perf_encode_arg_t argument{};
  argument.size = sizeof(argument);
  argument.attr = &encoding.attributes;
  argument.fstr = &qualified;
  const int result =
      pfm_get_os_event_encoding(event.c_str(), PFM_PLM0 | PFM_PLM3 | PFM_PLMH, PFM_OS_PERF_EVENT, &argument);
  const std::unique_ptr<char, decltype(&std::free)> owner(qualified, &std::free);
  if (result != PFM_SUCCESS) return Refusal{event, explain(result, event)};
  encoding.qualified = without_unset_modifiers(qualified != nullptr ? qualified : event.c_str());
  return encoding;
}

std::vector<ListedEvent> pfm_events() {
  const std::lock_guard lock(pfm_mutex());
  std::vector<ListedEvent> list;
  if (!initialisation_error().empty()) return list;
  for_each_present_pmu([&](const pfm_pmu_info_t& pmu) {
    if (pmu.type == PFM_PMU_TYPE_UNCORE) return;
    for_each_event(pmu, [&](int event, const pfm_event_info_t& info) {
      const std::size_t before = list.size();
      list_unit_masks(list, pmu, event, info);
      if (list.size() == before) list.push_back({pmu.name, info.name, info.desc ? info.desc : ""});
    });
  });
  return list;
}

bool pfm_names_anywhere(std::string_view event) {
  const std::lock_guard lock(pfm_mutex());
  if (!initialisation_error().empty()) return false;
  const std::string name(event.substr(0, event.find(':')));
  const std::string whole(event);
  bool found = false;
  for_each_pmu([&](const pfm_pmu_info_t& pmu) {
    for_each_event(pmu, [&](int index, const pfm_event_info_t& info) {
      if (found || strcasecmp(info.name, name.c_str()) != 0) return;
      std::vector<ListedEvent> spellings = {{pmu.name, info.name, {}}};
      list_unit_masks(spellings, pmu, index, info);
      found = std::ranges::any_of(
          spellings, [&](const ListedEvent& known) { return strcasecmp(known.name.c_str(), whole.c_str()) == 0; });
    });
  });
  return found;
}

}  // namespace shadowwalk::pmu
