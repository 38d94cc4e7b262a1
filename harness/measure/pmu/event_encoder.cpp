#include "harness/measure/pmu/event_encoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "harness/measure/pmu/pfm.hpp"
#include "harness/measure/pmu/sysfs_pmu.hpp"

namespace shadowwalk::pmu {
namespace {

namespace fs = std::filesystem;

enum class Found { yes, not_mounted, not_readable, no_such };

/// Reads the tracepoint's number from one mount point of tracefs.
Found find_id(const fs::path& tracefs, const std::string& system, const std::string& name, std::uint64_t& id) {
  std::error_code error;
  const bool mounted = fs::exists(tracefs / "events", error);
  if (error == std::errc::permission_denied) return Found::not_readable;
  if (!mounted) return Found::not_mounted;
  errno = 0;
  std::ifstream file(tracefs / "events" / system / name / "id");
  if (file >> id) return Found::yes;
  return errno == EACCES || errno == EPERM ? Found::not_readable : Found::no_such;
}

/// Cuts trailing modifiers off (`cycles:uk` -> `uk`). Unit masks have other letters, or are longer.
std::string cut_modifiers(std::string& event) {
  std::string modifiers;
  for (;;) {
    const std::size_t colon = event.rfind(':');
    if (colon == std::string::npos || colon + 1 == event.size() || colon == 0 || event[colon - 1] == ':') break;
    const std::string_view last = std::string_view(event).substr(colon + 1);
    if (last.find_first_not_of("ukhGH") != std::string_view::npos) break;
    modifiers += last;
    event.erase(colon);
  }
  return modifiers;
}

/// Events that the kernel counts on its own side: excluding the kernel leaves nothing of them.
bool happens_in_the_kernel(const perf_event_attr& attributes) {
  constexpr std::array kInKernel = {static_cast<std::uint64_t>(PERF_COUNT_SW_CONTEXT_SWITCHES),
                                    static_cast<std::uint64_t>(PERF_COUNT_SW_CPU_MIGRATIONS),
                                    static_cast<std::uint64_t>(PERF_COUNT_SW_CGROUP_SWITCHES)};
  return attributes.type == PERF_TYPE_SOFTWARE &&
         std::find(kInKernel.begin(), kInKernel.end(), attributes.config) != kInKernel.end();
}

bool looks_like_tracepoint(const std::string& event) {
  return std::count(event.begin(), event.end(), ':') == 1 && event.front() != ':' && event.back() != ':';
}

}  // namespace

std::variant<EncodedEvent, Refusal> encode_tracepoint(const std::string& event, const SystemPaths& paths) {
  const std::size_t colon = event.find(':');
  const std::string system = event.substr(0, colon);
  const std::string name = event.substr(colon + 1);
  if (name.find(':') != std::string::npos || system.find("..") != std::string::npos ||
      name.find("..") != std::string::npos) {
    return Refusal{event, "not a tracepoint: they are called SYSTEM:EVENT, such as kvm:kvm_exit"};
  }
  Found best = Found::not_mounted;
  for (const fs::path& tracefs : paths.tracefs) {
    std::uint64_t id = 0;
    const Found found = find_id(tracefs, system, name, id);
    if (found == Found::yes) {
      EncodedEvent encoded;
      encoded.name = event;
      encoded.encoded = fmt::format("{} (tracepoint {})", event, id);
      encoded.kind = EventKind::tracepoint;
      encoded.attributes.size = sizeof(encoded.attributes);
      encoded.attributes.type = PERF_TYPE_TRACEPOINT;
      encoded.attributes.config = id;
      return encoded;
    }
    if (found != Found::not_mounted && best != Found::no_such) best = found;
  }
  switch (best) {
    case Found::not_readable:
      return Refusal{event,
                     "tracefs is not readable: run as root, or `mount -o remount,gid=$(id -g),mode=750 "
                     "/sys/kernel/tracing`"};
    case Found::no_such:
      return Refusal{event,
                     fmt::format("no such tracepoint; `ls {}/events/{}` lists what there is, and a module that is "
                                 "not loaded has none",
                                 paths.tracefs.front().string(), system)};
    default:
      return Refusal{event, "tracefs is not mounted: `mount -t tracefs nodev /sys/kernel/tracing`"};
  }
}

std::variant<EncodedEvent, Refusal> encode_event(const std::string& event, const SystemPaths& paths) {
  if (event.find('/') != std::string::npos) return encode_sysfs_event(event, paths);

  std::string name = event;
  const std::string modifiers = cut_modifiers(name);
  auto result = encode_with_pfm(name);
  const auto* of_pfm = std::get_if<PfmEncoding>(&result);
  // If debugfs is mounted libpfm4 knows tracepoints too, but not that they fire in the kernel.
  if (of_pfm != nullptr && of_pfm->attributes.type == PERF_TYPE_TRACEPOINT) result = Refusal{event, "a tracepoint"};
  if (const auto* refusal = std::get_if<Refusal>(&result)) {
    if (!looks_like_tracepoint(name)) return Refusal{event, refusal->reason};
    auto tracepoint = encode_tracepoint(name, paths);
    if (auto* encoded = std::get_if<EncodedEvent>(&tracepoint)) apply_privileges(*encoded, modifiers);
    if (auto* refused = std::get_if<Refusal>(&tracepoint)) {
      refused->event = event;
      // Spelt like a vendor's event, `LIKE:THIS`: libpfm4's reason is the one that helps.
      if (std::none_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
        return Refusal{event, refusal->reason};
    }
    return tracepoint;
  }

  EncodedEvent encoded;
  auto& encoding = std::get<PfmEncoding>(result);
  encoded.name = event;
  encoded.attributes = encoding.attributes;
  encoded.kind = encoding.attributes.type == PERF_TYPE_SOFTWARE ? EventKind::software : EventKind::core;
  apply_privileges(encoded, modifiers);
  if (happens_in_the_kernel(encoded.attributes)) {
    if (!modifiers.empty() && encoded.attributes.exclude_kernel) {
      return Refusal{event, fmt::format("happens in the kernel: with :{} it would always be 0", modifiers)};
    }
    encoded.attributes.exclude_kernel = encoded.attributes.exclude_hv = 0;
  }
  const std::string levels = privileges(encoded.attributes);
  encoded.encoded = levels.empty() ? encoding.qualified : fmt::format("{}:{}", encoding.qualified, levels);
  return encoded;
}

EncodedSelection encode_selection(const EventSelection& selection, const SystemPaths& paths) {
  EncodedSelection encoded;
  encoded.refused = selection.refused;
  for (const std::string& event : selection.events) {
    auto result = encode_event(event, paths);
    if (auto* ready = std::get_if<EncodedEvent>(&result)) {
      if (const auto set = selection.sets.find(event); set != selection.sets.end()) ready->set = set->second;
      const bool taken = std::any_of(encoded.events.begin(), encoded.events.end(),
                                     [&](const EncodedEvent& other) { return other.name == ready->name; });
      if (taken) {
        encoded.refused.push_back(
            {event, fmt::format("another event is already called {}: give it another name=", ready->name)});
      } else {
        encoded.events.push_back(std::move(*ready));
      }
    }
    if (auto* refusal = std::get_if<Refusal>(&result)) {
      refusal->event = event_label(refusal->event);
      encoded.refused.push_back(std::move(*refusal));
    }
  }
  return encoded;
}

}  // namespace shadowwalk::pmu
