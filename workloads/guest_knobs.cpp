#include "workloads/guest_knobs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "harness/guest/guest_abi.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

template <class Visit>
void for_each_stream(GuestParams& params, Visit visit) {
  for (AccessPhase& phase : std::span(params.phases, params.phase_count)) {
    for (AccessStream& stream : std::span(phase.streams, phase.stream_count)) visit(stream);
  }
}

/// growth and churn are what their workloads are about.
bool may_change(const AccessStream& stream) {
  return stream.locality != Locality::growth && stream.locality != Locality::churn;
}

void apply_locality(const LocalityKnob& knob, std::string_view workload, GuestParams& params, double& zipf_skew) {
  std::uint64_t least_pages = guest_abi::kWindowPages;
  std::uint64_t most_pages = 0;
  for_each_stream(params, [&](AccessStream& stream) {
    if (!may_change(stream)) return;
    least_pages = std::min(least_pages, stream.pages);
    most_pages = std::max(most_pages, stream.pages);
    stream.locality = knob.locality;
    stream.stride = knob.stride;
  });
  const std::string asked = fmt::format("--locality {}: workload '{}'", to_string(knob), workload);
  if (most_pages == 0) {
    throw InputError(
        fmt::format("{} has growth and churn streams only, which are what it is about; leave --locality out", asked));
  }
  if (knob.locality == Locality::stride && (knob.stride < 1 || knob.stride > least_pages)) {
    throw InputError(fmt::format("{} has a stream of {} pages; choose stride:1 to stride:{}, or a larger --working-set",
                                 asked, least_pages, least_pages));
  }
  if (knob.locality == Locality::zipf) {
    if (least_pages != most_pages) {
      throw InputError(fmt::format(
          "{} has streams of {} and of {} pages, and the Zipf streams of a guest share one size; give uniform or "
          "stride:N",
          asked, least_pages, most_pages));
    }
    zipf_skew = knob.zipf_skew;
  }
}

void apply_writes(unsigned write_percent, std::string_view workload, GuestParams& params) {
  bool changed = false;
  for_each_stream(params, [&](AccessStream& stream) {
    if (stream.mmio_percent == 100) return;
    stream.write_percent = write_percent;
    changed = true;
  });
  if (!changed) {
    throw InputError(
        fmt::format("--writes {}: workload '{}' makes no accesses to RAM, only to devices; leave --writes out",
                    write_percent, workload));
  }
}

}  // namespace

std::optional<LocalityKnob> parse_locality(std::string_view text) {
  if (text == "uniform") return LocalityKnob{};
  const std::size_t colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  const std::string_view name = text.substr(0, colon);
  const std::string_view value = text.substr(colon + 1);
  if (name == "stride") {
    if (const auto stride = number_in<std::uint64_t>(value)) return LocalityKnob{Locality::stride, *stride, 1};
  }
  if (name == "zipf") {
    if (const auto skew = number_in<double>(value)) return LocalityKnob{Locality::zipf, 1, *skew};
  }
  return std::nullopt;
}

std::string to_string(const LocalityKnob& knob) {
  switch (knob.locality) {
    case Locality::stride:
      return fmt::format("stride:{}", knob.stride);
    case Locality::zipf:
      return fmt::format("zipf:{}", knob.zipf_skew);
    default:
      return "uniform";
  }
}

void apply_knobs(const GuestKnobs& knobs, std::string_view workload, GuestParams& params, double& zipf_skew) {
  if (knobs.locality) apply_locality(*knobs.locality, workload, params, zipf_skew);
  if (knobs.write_percent) apply_writes(*knobs.write_percent, workload, params);
}

}  // namespace shadowwalk
