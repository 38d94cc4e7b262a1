#include "harness/trace/file_format.hpp"

#include <fmt/format.h>

#include <boost/crc.hpp>
#include <cstring>

namespace shadowwalk::trace {
namespace {

// An event's first byte: the kind, and flags for values that are omitted because they are unchanged.
constexpr unsigned kKindMask = 0x1f;
constexpr unsigned kSameVcpu = 0x20;   // as the last event's
constexpr unsigned kSamePages = 0x40;  // as the last event's of this kind; 0 before the first
constexpr unsigned kSameGfn = 0x80;    // as the last event's of this kind; 0 before the first
static_assert(kMaxTraceKind <= kKindMask);

std::uint64_t vcpu_code(std::uint32_t vcpu) { return vcpu == kHostThread ? 0 : std::uint64_t{vcpu} + 1; }

constexpr std::size_t kKindSlots = 32;
static_assert(kMaxTraceKind < kKindSlots);

void put_magic(Bytes& out, const std::array<std::uint8_t, 8>& magic) {
  for (const std::uint8_t byte : magic) out.push_back(static_cast<std::byte>(byte));
}

/// Appends the checksum of the bytes from `start` on.
void put_checksum(Bytes& out, std::size_t start) { put_little_endian(out, crc32c(std::span(out).subspan(start))); }

/// Whether the last four bytes are the checksum of those before.
bool checksum_fits(std::span<const std::byte> bytes) {
  const std::size_t covered = bytes.size() - 4;
  return crc32c(bytes.first(covered)) == get_little_endian<std::uint32_t>(bytes.data() + covered);
}

std::string totals_error(const TraceInfo& info) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : info.by_kind) {
    if (count > info.events - sum) return "its counts by kind add up to more than its events";
    sum += count;
  }
  if (sum != info.events) return "its counts by kind add up to fewer than its events";
  if (info.host_events > info.events || info.vcpus > kMaxTraceVcpus || info.first_gfn > info.last_gfn ||
      info.last_gfn > kTraceGfnLimit) {
    return "its totals are out of range";
  }
  return {};
}

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes) {
  boost::crc_optimal<32, 0x1edc6f41, 0xffffffff, 0xffffffff, true, true> checksum;
  checksum.process_bytes(bytes.data(), bytes.size());
  return checksum.checksum();
}

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

void put_file_header(Bytes& out) {
  const std::size_t start = out.size();
  put_magic(out, kFileMagic);
  put_little_endian(out, kFormatVersion);
  put_checksum(out, start);
}

void put_block_header(Bytes& out, const BlockHeader& header) {
  const std::size_t start = out.size();
  put_little_endian(out, static_cast<std::uint32_t>(header.tag));
  put_little_endian(out, header.events);
  put_little_endian(out, header.raw_bytes);
  put_little_endian(out, header.stored_bytes);
  put_little_endian(out, header.checksum);
  put_checksum(out, start);
}

void put_end_record(Bytes& out, const TraceInfo& info) {
  const std::size_t start = out.size();
  put_magic(out, kEndMagic);
  for (const std::uint64_t value :
       {info.events, info.duration_ns, std::uint64_t{info.vcpus}, info.host_events, info.first_gfn, info.last_gfn}) {
    put_little_endian(out, value);
  }
  for (std::size_t kind = 0; kind < kKindSlots; ++kind) {
    put_little_endian(out, kind < info.by_kind.size() ? info.by_kind[kind] : std::uint64_t{0});
  }
  put_checksum(out, start);
}

bool has_file_magic(std::span<const std::byte> bytes) {
  return bytes.size() >= kFileMagic.size() && std::memcmp(bytes.data(), kFileMagic.data(), kFileMagic.size()) == 0;
}

std::string file_header_error(std::span<const std::byte, kFileHeaderBytes> bytes) {
  if (!has_file_magic(bytes)) return "it does not begin as a trace; `shadowwalk import` makes one";
  const auto version = get_little_endian<std::uint32_t>(bytes.data() + kFileMagic.size());
  if (!checksum_fits(bytes)) return "the file header's checksum is wrong";
  if (version != kFormatVersion) {
    return fmt::format("trace format {}; this shadowwalk reads format {}", version, kFormatVersion);
  }
  return {};
}

std::optional<BlockHeader> get_block_header(std::span<const std::byte, kBlockHeaderBytes> bytes, bool check_sums,
                                            std::string& error) {
  const auto word = [&](std::size_t index) { return get_little_endian<std::uint32_t>(bytes.data() + 4 * index); };
  const BlockHeader header{static_cast<BlockTag>(word(0)), word(1), word(2), word(3), word(4)};
  if (check_sums && !checksum_fits(bytes)) {
    error = "the block header's checksum is wrong";
  } else if (header.tag != BlockTag::source && header.tag != BlockTag::events) {
    error = fmt::format("there is no block {:#x}", word(0));
  } else if (header.raw_bytes > kMaxBlockBytes || header.stored_bytes > kMaxStoredBytes) {
    error = fmt::format("a block of {} bytes in {}; at most {} in {}", header.raw_bytes, header.stored_bytes,
                        kMaxBlockBytes, kMaxStoredBytes);
  } else {
    return header;
  }
  return std::nullopt;
}

std::optional<TraceInfo> get_end_record(std::span<const std::byte, kEndRecordBytes> bytes, bool check_sums,
                                        std::string& error) {
  if (std::memcmp(bytes.data(), kEndMagic.data(), kEndMagic.size()) != 0) {
    error = "the end record is missing: the file is truncated, or something was appended";
    return std::nullopt;
  }
  if (check_sums && !checksum_fits(bytes)) {
    error = "the end record's checksum is wrong";
    return std::nullopt;
  }
  const auto word = [&](std::size_t index) { return get_little_endian<std::uint64_t>(bytes.data() + 8 + 8 * index); };
  TraceInfo info;
  info.events = word(0);
  info.duration_ns = word(1);
  info.vcpus = word(2) > kMaxTraceVcpus ? UINT32_MAX : static_cast<std::uint32_t>(word(2));
  info.host_events = word(3);
  info.first_gfn = word(4);
  info.last_gfn = word(5);
  for (std::size_t kind = 0; kind < info.by_kind.size(); ++kind) info.by_kind[kind] = word(6 + kind);
  if (const std::string wrong = totals_error(info); !wrong.empty()) {
    error = fmt::format("the end record is wrong: {}", wrong);
    return std::nullopt;
  }
  return info;
}

}  // namespace shadowwalk::trace
