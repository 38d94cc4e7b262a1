#include "workloads/guest/produce_accesses.hpp"

#include "harness/guest/guest_abi.hpp"
#include "workloads/guest/churn.hpp"
#include "workloads/guest/fill.hpp"
#include "workloads/guest/growth.hpp"
#include "workloads/guest/random.hpp"
#include "workloads/guest/stride.hpp"
#include "workloads/guest/uniform.hpp"
#include "workloads/guest/zipf.hpp"

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
      return fill(pages, kinds, first_gfn, state.random, out, count);
    }
    case Locality::stride: {
      StridePages pages(stream, cursor.position);
      fill(pages, kinds, first_gfn, state.random, out, count);
      cursor.position = pages.page();
      return;
    }
    case Locality::zipf: {
      ZipfPages pages(state.params.zipf);
      return fill(pages, kinds, first_gfn, state.random, out, count);
    }
    case Locality::growth: {
      GrowthPages pages(stream, cursor.position, guest_abi::kWindowPages - first_gfn);
      fill(pages, kinds, first_gfn, state.random, out, count);
      cursor.position = pages.touched();
      return;
    }
    case Locality::churn:
      return fill_churn(stream, cursor, first_gfn, state.random, out, count);
  }
}

/// A phase of several streams: each access is one of a stream that is drawn by weight.
void produce_blend(GuestProgramState& state, const AccessPhase& phase, Access* out, uint64_t count) {
  uint64_t weights = 0;
  for (uint64_t i = 0; i < phase.stream_count; ++i) weights += phase.streams[i].weight;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t draw = random_below(state.random, weights);
    uint64_t stream = 0;
    while (draw >= phase.streams[stream].weight) draw -= phase.streams[stream++].weight;
    produce_stream(state, stream, out + i, 1);
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
