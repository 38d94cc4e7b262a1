// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "workloads/guest/produce_accesses.hpp"

#include "harness/guest/guest_abi.hpp"
#include "workloads/guest/localities.hpp"

namespace shadowwalk {
namespace {

/// The next accesses of one stream of the present phase: the locality is chosen here, outside of its loop.
void produce_stream(GuestProgramState& state, uint64_t index, Access* out, uint64_t count) {
  const AccessStream& stream = state.params.phases[state.phase].streams[index];
  StreamCursor& cursor = state.cursors[state.phase][index];
  const AccessKinds kinds(stream);
  const uint64_t first_gfn = state.params.base_gfn + stream.first_page;
  switch (stream.locality) {
    case Locality::uniform: {
      UniformPages pages(stream.pages);
      return fill(pages, kinds, first_gfn, cursor.random, out, count);
    }
    case Locality::stride: {
      StridePages pages(stream, cursor.position);
      fill(pages, kinds, first_gfn, cursor.random, out, count);
      cursor.position = pages.page();
      return;
    }
    case Locality::zipf: {
      ZipfPages pages(state.params.zipf);
      return fill(pages, kinds, first_gfn, cursor.random, out, count);
    }
    case Locality::growth: {
      GrowthPages pages(stream, cursor.position, guest_abi::kWindowPages - first_gfn);
      fill(pages, kinds, first_gfn, cursor.random, out, count);
      cursor.position = pages.touched();
      return;
    }
    case Locality::churn:
      return fill_churn(stream, cursor, first_gfn, out, count);
  }
}

/// Which of a phase's streams comes next, by weight. No branch depends on the draw: none could be predicted.
class StreamChoice {
 public:
  explicit StreamChoice(const AccessPhase& phase) {
    for (uint64_t i = 0; i < AccessPhase::kMaxStreams; ++i) {
      if (i < phase.stream_count) weights_ += phase.streams[i].weight;
      ends_[i] = weights_;
    }
  }
  uint64_t next(uint64_t& random) const {
    const uint64_t draw = random_below(random, weights_);
    uint64_t stream = 0;
    for (uint64_t i = 0; i + 1 < AccessPhase::kMaxStreams; ++i) stream += draw >= ends_[i];
    return stream;
  }

 private:
  uint64_t weights_ = 0;
  uint64_t ends_[AccessPhase::kMaxStreams];
};

/// A phase of several streams. Each stream draws from random numbers of its own, so that its accesses of a whole block
/// can be made in one loop and dealt out afterwards.
void produce_blend(GuestProgramState& state, const AccessPhase& phase, Access* out, uint64_t count) {
  constexpr uint64_t kBlock = 128;
  const StreamChoice choice(phase);
  Access made[AccessPhase::kMaxStreams * kBlock];
  uint16_t place[kBlock];  // in `made`
  while (count > 0) {
    const uint64_t block = count < kBlock ? count : kBlock;
    uint64_t counts[AccessPhase::kMaxStreams] = {};
    uint64_t random = state.random;
    for (uint64_t i = 0; i < block; ++i) {
      const uint64_t stream = choice.next(random);
      place[i] = static_cast<uint16_t>(stream * kBlock + counts[stream]++);
    }
    state.random = random;
    for (uint64_t i = 0; i < phase.stream_count; ++i) produce_stream(state, i, made + i * kBlock, counts[i]);
    for (uint64_t i = 0; i < block; ++i) out[i] = made[place[i]];
    out += block;
    count -= block;
  }
}

}  // namespace

void produce_accesses(GuestProgramState& state, Access* out, uint64_t count) {
  const GuestParams& params = state.params;
  while (count > 0) {
    // A phase ends with the first access of the next one: until then a burst that ends with it is its own (idle_us).
    const uint64_t length = params.phases[state.phase].accesses;
    if (length != 0 && state.phase_done == length) {
      state.phase = state.phase + 1 < params.phase_count ? state.phase + 1 : 0;
      state.phase_done = 0;
    }
    const AccessPhase& phase = params.phases[state.phase];
    const uint64_t left = phase.accesses == 0 ? count : phase.accesses - state.phase_done;
    const uint64_t now = count < left ? count : left;
    if (phase.stream_count == 1) {
      produce_stream(state, 0, out, now);
    } else {
      produce_blend(state, phase, out, now);
    }
    state.phase_done += now;
    out += now;
    count -= now;
  }
}

}  // namespace shadowwalk
