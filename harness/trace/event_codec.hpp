#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "harness/trace/trace_event.hpp"
#include "harness/trace/wire.hpp"

/// Events as a block's bytes, each as its difference to those before it; every block begins afresh.
namespace shadowwalk::trace {

/// What is wrong with an event that no trace may hold: a page number or vCPU out of range, no kind; empty if nothing.
std::string event_error(const TraceEvent& event);

/// The most bytes that an event takes.
inline constexpr std::size_t kMaxEventBytes = 1 + 10 + 3 + 8 + 8;

/// What an event is told by its difference to: within a block, the events before it.
struct EventContext {
  std::uint64_t time_ns = 0;
  std::uint32_t vcpu = 0;
  std::array<std::uint64_t, kMaxTraceKind + 1> gfn{};    ///< the last of each kind
  std::array<std::uint64_t, kMaxTraceKind + 1> pages{};  ///< the last of each kind

  void advance(const TraceEvent& event);
};

/// Appends `event`, which has no event_error and is not before `context.time_ns`.
void encode_event(const TraceEvent& event, EventContext& context, Bytes& out);

/// Decodes the events of one block, one at a time. `block` must outlive it.
class BlockDecoder {
 public:
  BlockDecoder() : cursor_({}) {}
  explicit BlockDecoder(std::span<const std::byte> block) : cursor_(block) {}

  bool at_end() const { return cursor_.at_end(); }
  /// True: `event` is the next one. False: the bytes are not an event, and error() says why; not to be called again.
  bool next(TraceEvent& event);
  const std::string& error() const { return error_; }

 private:
  ByteCursor cursor_;
  EventContext context_;
  std::string error_;
};

}  // namespace shadowwalk::trace
