#include "harness/trace/event_codec.hpp"

#include <fmt/format.h>

namespace shadowwalk::trace {
namespace {

// An event's first byte: the kind, and flags for values that are omitted because they are unchanged.
constexpr unsigned kKindMask = 0x1f;
constexpr unsigned kSameVcpu = 0x20;   // as the last event's
constexpr unsigned kSamePages = 0x40;  // as the last event's of this kind; 0 before the first
constexpr unsigned kSameGfn = 0x80;    // as the last event's of this kind; 0 before the first
static_assert(kMaxTraceKind <= kKindMask);

std::uint64_t vcpu_code(std::uint32_t vcpu) { return vcpu == kHostThread ? 0 : std::uint64_t{vcpu} + 1; }

}  // namespace

std::string event_error(const TraceEvent& event) {
  const auto kind = static_cast<unsigned>(event.kind);
  if (kind == 0 || kind > kMaxTraceKind) return fmt::format("there is no kind {}", kind);
  if (event.vcpu != kHostThread && event.vcpu >= kMaxTraceVcpus) {
    return fmt::format("vCPU {} is not below {}", event.vcpu, kMaxTraceVcpus);
  }
  if (event.gfn > kTraceGfnLimit) return fmt::format("gfn {:#x} is not below {:#x}", event.gfn, kTraceGfnLimit);
  if (event.pages > kTraceGfnLimit) return fmt::format("{:#x} pages are more than {:#x}", event.pages, kTraceGfnLimit);
  return {};
}

void EventContext::advance(const TraceEvent& event) {
  time_ns = event.time_ns;
  vcpu = event.vcpu;
  gfn[static_cast<std::size_t>(event.kind)] = event.gfn;
  pages[static_cast<std::size_t>(event.kind)] = event.pages;
}

void encode_event(const TraceEvent& event, EventContext& context, Bytes& out) {
  const auto kind = static_cast<std::size_t>(event.kind);
  auto first = static_cast<unsigned>(kind);
  if (event.vcpu == context.vcpu) first |= kSameVcpu;
  if (event.pages == context.pages[kind]) first |= kSamePages;
  if (event.gfn == context.gfn[kind]) first |= kSameGfn;
  out.push_back(static_cast<std::byte>(first));
  put_varint(out, event.time_ns - context.time_ns);
  if ((first & kSameVcpu) == 0) put_varint(out, vcpu_code(event.vcpu));
  if ((first & kSamePages) == 0) put_varint(out, event.pages);
  if ((first & kSameGfn) == 0) put_varint(out, zigzag(static_cast<std::int64_t>(event.gfn - context.gfn[kind])));
  context.advance(event);
}

bool BlockDecoder::next(TraceEvent& event) {
  const unsigned first = cursor_.byte();
  const unsigned kind = first & kKindMask;
  if (cursor_.ok() && (kind == 0 || kind > kMaxTraceKind)) {
    error_ = fmt::format("there is no kind {}", kind);
    return false;
  }
  const std::uint64_t elapsed = cursor_.varint();
  event.kind = static_cast<TraceKind>(kind);
  event.time_ns = context_.time_ns + elapsed;
  event.vcpu = context_.vcpu;
  if ((first & kSameVcpu) == 0) {
    const std::uint64_t code = cursor_.varint();
    if (code > kMaxTraceVcpus) {
      error_ = fmt::format("vCPU {} is not below {}", code - 1, kMaxTraceVcpus);
      return false;
    }
    event.vcpu = code == 0 ? kHostThread : static_cast<std::uint32_t>(code - 1);
  }
  event.pages = (first & kSamePages) != 0 ? context_.pages[kind] : cursor_.varint();
  event.gfn = context_.gfn[kind];
  if ((first & kSameGfn) == 0) event.gfn += static_cast<std::uint64_t>(unzigzag(cursor_.varint()));
  if (!cursor_.ok()) {
    error_ = "it ends within an event";
    return false;
  }
  if (event.time_ns < elapsed) {
    error_ = "its time passes 2^64 ns";
    return false;
  }
  error_ = event_error(event);
  if (!error_.empty()) return false;
  context_.advance(event);
  return true;
}

}  // namespace shadowwalk::trace
