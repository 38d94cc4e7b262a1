#include "harness/measure/pmu/event_encoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "harness/measure/pmu/misspelling.hpp"
#include "harness/measure/pmu/pfm.hpp"
#include "harness/measure/pmu/sysfs_pmu.hpp"
#include "harness/measure/pmu/tracepoints.hpp"

namespace shadowwalk::pmu {
namespace {

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

std::variant<EncodedEvent, Refusal> encode_as_written(const std::string& event, const SystemPaths& paths,
                                                      CountedCode code) {
  if (event.find('/') != std::string::npos) return encode_sysfs_event(event, paths, code);

  std::string name = event;
  const std::string modifiers = cut_modifiers(name);
  auto result = encode_with_pfm(name);
  const auto* of_pfm = std::get_if<PfmEncoding>(&result);
  // If debugfs is mounted libpfm4 knows tracepoints too, but not that they fire in the kernel.
  if (of_pfm != nullptr && of_pfm->attributes.type == PERF_TYPE_TRACEPOINT) result = Refusal{event, "a tracepoint"};
  if (const auto* refusal = std::get_if<Refusal>(&result)) {
    if (!looks_like_tracepoint(name)) return Refusal{event, with_suggestion(refusal->reason, name)};
    auto tracepoint = encode_tracepoint(name, paths);
    if (auto* encoded = std::get_if<EncodedEvent>(&tracepoint)) apply_privileges(*encoded, modifiers);
    if (auto* refused = std::get_if<Refusal>(&tracepoint)) {
      refused->event = event;
      // Spelt like a vendor's event, `LIKE:THIS`: libpfm4's reason is the one that helps.
      if (std::none_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
        return Refusal{event, with_suggestion(refusal->reason, name)};
    }
    return tracepoint;
  }

  EncodedEvent encoded;
  auto& encoding = std::get<PfmEncoding>(result);
  encoded.name = event;
  encoded.attributes = encoding.attributes;
  encoded.kind = encoding.attributes.type == PERF_TYPE_SOFTWARE ? EventKind::software : EventKind::core;
  apply_privileges(encoded, modifiers, code);
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

}  // namespace

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

std::variant<EncodedEvent, Refusal> encode_event(const std::string& event, const SystemPaths& paths, CountedCode code) {
  auto result = encode_as_written(event, paths, code);
  const auto* const encoded = std::get_if<EncodedEvent>(&result);
  if (code == CountedCode::kernel && encoded != nullptr && encoded->attributes.exclude_kernel) {
    return Refusal{event, "kernel threads run no code but the kernel's: with these modifiers it would always be 0"};
  }
  return result;
}

EncodedSelection encode_selection(const EventSelection& selection, const SystemPaths& paths, CountedCode code) {
  EncodedSelection encoded;
  encoded.refused = selection.refused;
  for (const std::string& event : selection.events) {
    auto result = encode_event(event, paths, code);
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
