#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/guest/guest_params.hpp"

/// What a command line may change in the guest's part of a workload. All functions are pure and thread-safe.
namespace shadowwalk {

/// How streams pick their pages instead of the workload's own way: uniform, stride or zipf.
struct LocalityKnob {
  Locality locality = Locality::uniform;
  std::uint64_t stride = 1;  ///< of Locality::stride: pages from one access to the next, 1..those of the stream
  double zipf_skew = 1;      ///< of Locality::zipf: above 0 to 4
};

/// Reads `uniform`, `stride:N` or `zipf:S`; nothing for any other text. Ranges are checked where the knob is applied.
std::optional<LocalityKnob> parse_locality(std::string_view text);
/// The text that parse_locality() reads.
std::string to_string(const LocalityKnob& knob);

struct GuestKnobs {
  std::uint64_t working_set = 4096;  ///< 4 KiB pages
  std::uint64_t base_gfn = 0;
  std::uint64_t seed = 1;
  std::optional<LocalityKnob> locality = {};   ///< of each uniform, stride and zipf stream; none: the workload's own
  std::optional<unsigned> write_percent = {};  ///< of each stream's accesses to RAM, 0..100; none: the workload's own
};

/// Changes the streams of `params`, which workload `workload` made, as `knobs` say; `zipf_skew` too. Throws InputError,
/// in one line, if a knob has nothing to change or does not fit the streams.
void apply_knobs(const GuestKnobs& knobs, std::string_view workload, GuestParams& params, double& zipf_skew);

}  // namespace shadowwalk
