// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include <algorithm>

#include "harness/guest/guest.hpp"
#include "harness/guest/guest_abi.hpp"

namespace shadowwalk {
namespace {

constexpr std::uint64_t kMaxVcpus = 1024;
constexpr std::uint64_t kMaxBurst = 65536;
constexpr std::uint64_t kMaxCount = ~std::uint32_t{0};

/// What is wrong so far: the first thing that is refused.
class Refusal {
 public:
  bool refused() const { return !line_.empty(); }
  const GuestLine& line() const { return line_; }

  /// "guest", with the phase and the stream that are being checked, counted from 1.
  void at_phase(std::uint64_t phase, std::uint64_t phases) {
    phase_ = phase;
    phases_ = phases;
    stream_ = 0;
  }
  void at_stream(std::uint64_t stream, std::uint64_t streams) {
    stream_ = stream;
    streams_ = streams;
  }

  /// Refuses with these words, unless something has been refused already.
  template <class... Parts>
  void refuse(const Parts&... parts) {
    if (refused()) return;
    line_ << "guest";
    if (phase_ != 0) line_ << ": phase " << phase_ << " of " << phases_;
    if (stream_ != 0) line_ << ", stream " << stream_ << " of " << streams_;
    line_ << ": ";
    (void(line_ << parts), ...);
  }
  void in_range(std::string_view what, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
    if (value < least || value > most) refuse(what, " ", value, ": choose ", least, "..", most);
  }
  /// The same for a number of things.
  void count_in_range(std::uint64_t value, std::string_view things, std::uint64_t least, std::uint64_t most) {
    if (value < least || value > most) refuse(value, " ", things, ": choose ", least, "..", most);
  }

 private:
  GuestLine line_;
  std::uint64_t phase_ = 0, phases_ = 0, stream_ = 0, streams_ = 0;
};

/// Divides where a product or a sum could wrap around.
void check_extent(const GuestParams& params, const AccessStream& stream, Refusal& refusal) {
  const std::uint64_t copies = stream.locality == Locality::churn ? stream.processes : 1;
  if (copies == 0) return;  // refused already
  const std::uint64_t room = params.base_gfn < guest_abi::kWindowPages ? guest_abi::kWindowPages - params.base_gfn : 0;
  const bool fits = stream.first_page < room && stream.pages <= (room - stream.first_page) / copies;
  if (stream.pages >= 1 && fits) return;
  GuestLine base;
  base.hex(params.base_gfn);
  GuestLine end;
  end.hex(guest_abi::kWindowPages);
  GuestLine times;
  if (copies != 1) times << copies << " x ";
  refusal.refuse(times.view(), stream.pages, " pages from page ", stream.first_page, " of a guest at gfn ", base.view(),
                 ": choose at least 1 page, all below gfn ", end.view());
}

void check_zipf(const GuestParams& params, const AccessStream& stream, Refusal& refusal) {
  const ZipfTable& table = params.zipf;
  if (table.pages != stream.pages) {
    return refusal.refuse("Zipf over ", stream.pages, " pages beside a table over ", table.pages,
                          ": give all zipf streams of a guest the same size");
  }
  const auto is_whole = [&] {
    if (table.bucket_count < 1 || table.bucket_count > ZipfTable::kMaxBuckets) return false;
    if (ZipfTable::first_rank(table.bucket_count - 1) >= table.pages) return false;
    return std::all_of(table.buckets, table.buckets + table.bucket_count,
                       [&](const ZipfTable::Bucket& bucket) { return bucket.alias < table.bucket_count; });
  };
  if (!is_whole()) refusal.refuse("a Zipf table that make_zipf_table did not make");
}

void check_stream(const GuestParams& params, const AccessStream& stream, Refusal& refusal) {
  refusal.in_range("weight", stream.weight, 1, AccessStream::kMaxWeight);
  refusal.in_range("locality", static_cast<std::uint64_t>(stream.locality), 0, kLocalities - 1);
  refusal.in_range("write_percent", stream.write_percent, 0, 100);
  refusal.in_range("mmio_percent", stream.mmio_percent, 0, 100);
  if (stream.locality == Locality::churn) {
    refusal.in_range("processes", stream.processes, 1, kMaxCount);
    refusal.in_range("touches", stream.touches, 0, AccessStream::kMaxTouches);
  }
  check_extent(params, stream, refusal);
  if (stream.locality == Locality::stride) refusal.in_range("stride", stream.stride, 1, stream.pages);
  if (stream.locality == Locality::growth) {
    refusal.in_range("first_touch_one_in", stream.first_touch_one_in, 1, kMaxCount);
  }
  if (stream.locality == Locality::zipf) check_zipf(params, stream, refusal);
}

void check_phase(const GuestParams& params, std::uint64_t idle_us, std::uint32_t index, Refusal& refusal) {
  const AccessPhase& phase = params.phases[index];
  refusal.at_phase(index + 1, params.phase_count);
  if (phase.accesses == 0 && index + 1 < params.phase_count) {
    refusal.refuse("0 accesses, which is for ever: only the last phase may last for ever");
  }
  if (phase.idle_us > guest_abi::kMaxIdleUs || idle_us > guest_abi::kMaxIdleUs - phase.idle_us) {
    refusal.refuse("idle for ", phase.idle_us, " us of the phase and ", idle_us, " us of the guest: choose 0..",
                   guest_abi::kMaxIdleUs, " together");
  }
  refusal.count_in_range(phase.stream_count, "streams", 1, AccessPhase::kMaxStreams);
  for (std::uint32_t i = 0; i < phase.stream_count && !refusal.refused(); ++i) {
    refusal.at_stream(i + 1, phase.stream_count);
    check_stream(params, phase.streams[i], refusal);
  }
}

}  // namespace

GuestLine what_is_wrong(const GuestConfig& config) {
  Refusal refusal;
  refusal.count_in_range(config.vcpus, "vCPUs", 1, kMaxVcpus);
  refusal.count_in_range(config.burst, "accesses an exit", 1, kMaxBurst);
  const GuestParams& params = config.params;
  refusal.count_in_range(params.phase_count, "phases", 1, GuestParams::kMaxPhases);
  const std::uint64_t most = guest_abi::kMaxIdleUs;
  const std::uint64_t idle_us = std::min(params.idle_us, most + 1) + std::min(config.idle_us, most + 1);
  for (std::uint32_t i = 0; i < params.phase_count && !refusal.refused(); ++i) check_phase(params, idle_us, i, refusal);
  return refusal.line();
}

}  // namespace shadowwalk
