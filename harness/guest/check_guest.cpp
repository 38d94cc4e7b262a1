#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "harness/guest/guest.hpp"
#include "harness/guest/guest_abi.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

constexpr unsigned kMaxVcpus = 1024;
constexpr unsigned kMaxBurst = 65536;

template <typename... Values>
[[noreturn]] void refuse(const std::string& where, fmt::format_string<Values...> what, const Values&... values) {
  throw InputError(where + ": " + fmt::vformat(what, fmt::make_format_args(values...)));
}

/// The checks of one stream. Streams and phases count from 1 in messages.
class StreamCheck {
 public:
  StreamCheck(const GuestParams& params, const AccessStream& stream, std::string where)
      : params_(params), stream_(stream), where_(std::move(where)) {}

  void check() const {
    in_range("weight", stream_.weight, 1, AccessStream::kMaxWeight);
    in_range("locality", static_cast<std::uint64_t>(stream_.locality), 0, kLocalities - 1);
    in_range("write_percent", stream_.write_percent, 0, 100);
    in_range("mmio_percent", stream_.mmio_percent, 0, 100);
    if (stream_.locality == Locality::churn) {
      in_range("processes", stream_.processes, 1, ~std::uint32_t{0});
      in_range("touches", stream_.touches, 0, AccessStream::kMaxTouches);
    }
    check_extent();
    if (stream_.locality == Locality::stride) in_range("stride", stream_.stride, 1, stream_.pages);
    if (stream_.locality == Locality::growth) {
      in_range("first_touch_one_in", stream_.first_touch_one_in, 1, ~std::uint32_t{0});
    }
    if (stream_.locality == Locality::zipf) check_zipf();
  }

 private:
  void in_range(const char* what, std::uint64_t value, std::uint64_t least, std::uint64_t most) const {
    if (value < least || value > most) refuse(where_, "{} {}: choose {}..{}", what, value, least, most);
  }

  /// Divides where a product or a sum could wrap around.
  void check_extent() const {
    const std::uint64_t copies = stream_.locality == Locality::churn ? stream_.processes : 1;
    const std::uint64_t room =
        params_.base_gfn < guest_abi::kWindowPages ? guest_abi::kWindowPages - params_.base_gfn : 0;
    const bool fits = stream_.first_page < room && stream_.pages <= (room - stream_.first_page) / copies;
    if (stream_.pages >= 1 && fits) return;
    refuse(where_, "{}{} pages from page {} of a guest at gfn {:#x}: choose at least 1 page, all below gfn {:#x}",
           copies == 1 ? "" : fmt::format("{} x ", copies), stream_.pages, stream_.first_page, params_.base_gfn,
           guest_abi::kWindowPages);
  }

  void check_zipf() const {
    const ZipfTable& table = params_.zipf;
    if (table.pages != stream_.pages) {
      refuse(where_, "Zipf over {} pages beside a table over {}: give all zipf streams of a guest the same size",
             stream_.pages, table.pages);
    }
    const auto is_whole = [&] {
      if (table.bucket_count < 1 || table.bucket_count > ZipfTable::kMaxBuckets) return false;
      if (ZipfTable::first_rank(table.bucket_count - 1) >= table.pages) return false;
      return std::all_of(table.buckets, table.buckets + table.bucket_count,
                         [&](const ZipfTable::Bucket& bucket) { return bucket.alias < table.bucket_count; });
    };
    if (!is_whole()) refuse(where_, "a Zipf table that make_zipf_table did not make");
  }

  const GuestParams& params_;
  const AccessStream& stream_;
  const std::string where_;
};

void check_phase(const GuestParams& params, std::uint64_t idle_us, std::uint32_t index) {
  const AccessPhase& phase = params.phases[index];
  const std::string where = fmt::format("guest: phase {} of {}", index + 1, params.phase_count);
  if (phase.accesses == 0 && index + 1 < params.phase_count) {
    refuse(where, "0 accesses, which is for ever: only the last phase may last for ever");
  }
  if (phase.idle_us > guest_abi::kMaxIdleUs || idle_us > guest_abi::kMaxIdleUs - phase.idle_us) {
    refuse(where, "idle for {} us of the phase and {} us of the guest: choose 0..{} together", phase.idle_us, idle_us,
           guest_abi::kMaxIdleUs);
  }
  if (phase.stream_count < 1 || phase.stream_count > AccessPhase::kMaxStreams) {
    refuse(where, "{} streams: choose 1..{}", phase.stream_count, AccessPhase::kMaxStreams);
  }
  for (std::uint32_t i = 0; i < phase.stream_count; ++i) {
    StreamCheck(params, phase.streams[i], fmt::format("{}, stream {} of {}", where, i + 1, phase.stream_count)).check();
  }
}

}  // namespace

void check_guest(const GuestConfig& config) {
  if (config.vcpus < 1 || config.vcpus > kMaxVcpus) {
    refuse("guest", "{} vCPUs: choose 1..{}", config.vcpus, kMaxVcpus);
  }
  if (config.burst < 1 || config.burst > kMaxBurst) {
    refuse("guest", "{} accesses an exit: choose 1..{}", config.burst, kMaxBurst);
  }
  const GuestParams& params = config.params;
  if (params.phase_count < 1 || params.phase_count > GuestParams::kMaxPhases) {
    refuse("guest", "{} phases: choose 1..{}", params.phase_count, GuestParams::kMaxPhases);
  }
  const std::uint64_t most = guest_abi::kMaxIdleUs;
  const std::uint64_t idle_us = std::min(params.idle_us, most + 1) + std::min(config.idle_us, most + 1);
  for (std::uint32_t i = 0; i < params.phase_count; ++i) check_phase(params, idle_us, i);
}

}  // namespace shadowwalk
