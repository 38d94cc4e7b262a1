#include "harness/trace/trace_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "harness/machine/error.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/trace/file_format.hpp"

namespace shadowwalk::trace {
namespace {

os::FileDescriptor open_file(const std::filesystem::path& path) {
  os::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) throw InputError(fmt::format("{}: {}", path.string(), std::strerror(errno)));
  return file;
}

/// A frame may ask for a window of gigabytes; no block needs more than its own size.
constexpr int kMaxWindowLog = 17;
static_assert(1 << kMaxWindowLog >= kMaxBlockBytes);

}  // namespace

void TraceReader::FreeContext::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

TraceReader::TraceReader(const std::filesystem::path& path) : TraceReader(open_file(path), path.string()) {}

TraceReader::TraceReader(os::FileDescriptor file, std::string name, Checksums checksums)
    : file_(std::move(file)),
      name_(std::move(name)),
      check_sums_(checksums == Checksums::verify),
      decompressor_(ZSTD_createDCtx()) {
  if (!decompressor_) throw CellError("no memory for a zstd context");
  ZSTD_DCtx_setParameter(decompressor_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  open();
}

TraceReader::~TraceReader() = default;

void TraceReader::fail(std::uint64_t offset, const std::string& what) const {
  throw InputError(fmt::format("{}: byte {}: {}", name_, offset, what));
}

void TraceReader::read(std::uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t count = TEMP_FAILURE_RETRY(pread(file_.get(), into.data(), into.size(), static_cast<off_t>(offset)));
    if (count < 0) throw InputError(fmt::format("{}: {}", name_, std::strerror(errno)));
    if (count == 0) fail(file_bytes_, "the file ends here: truncated");
    offset += static_cast<std::uint64_t>(count);
    into = into.subspan(static_cast<std::size_t>(count));
  }
}

/// The header of the block at `offset_`. `which`: the block in errors.
BlockHeader TraceReader::read_block_header(std::string_view which) const {
  if (end_ - offset_ < kBlockHeaderBytes) fail(offset_, fmt::format("no room for {}", which));
  std::array<std::byte, kBlockHeaderBytes> bytes{};
  read(offset_, bytes);
  std::string error;
  const std::optional<BlockHeader> header = get_block_header(bytes, check_sums_, error);
  if (!header) fail(offset_, error);
  return *header;
}

std::span<const std::byte> TraceReader::stored_bytes(std::uint32_t count, std::uint32_t checksum) {
  const std::uint64_t begin = offset_ + kBlockHeaderBytes;
  if (count > end_ - begin) fail(offset_, fmt::format("a block of {} bytes reaches past the end record", count));
  stored_.resize(count);
  read(begin, stored_);
  if (check_sums_ && crc32c(stored_) != checksum) fail(offset_, "the block's checksum is wrong");
  offset_ = begin + count;
  return stored_;
}

void TraceReader::open() {
  struct stat status {};
  if (fstat(file_.get(), &status) != 0) throw InputError(fmt::format("{}: {}", name_, std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) {
    throw InputError(fmt::format("{}: not a file: a trace is read from its end, too, so no pipe will do", name_));
  }
  file_bytes_ = static_cast<std::uint64_t>(status.st_size);
  if (file_bytes_ == 0) fail(0, "the file is empty");
  std::array<std::byte, kFileHeaderBytes> header{};
  read(0, header);
  if (const std::string wrong = file_header_error(header); !wrong.empty()) fail(0, wrong);

  std::array<std::byte, kEndRecordBytes> end{};
  if (file_bytes_ < kFileHeaderBytes + kEndRecordBytes) fail(file_bytes_, "the file ends here: truncated");
  end_ = file_bytes_ - kEndRecordBytes;
  read(end_, end);
  std::string error;
  const std::optional<TraceInfo> info = get_end_record(end, check_sums_, error);
  if (!info) fail(end_, error);
  info_ = *info;

  offset_ = kFileHeaderBytes;
  const BlockHeader source = read_block_header("the block with the source");
  if (source.tag != BlockTag::source || source.raw_bytes != source.stored_bytes || source.events != 0) {
    fail(offset_, "the first block does not contain the source");
  }
  const std::span<const std::byte> text = stored_bytes(source.stored_bytes, source.checksum);
  source_.assign(reinterpret_cast<const char*>(text.data()), text.size());
  first_block_ = offset_;
  rewind();
}

void TraceReader::rewind() {
  offset_ = first_block_;
  block_ = BlockDecoder();
  block_events_left_ = 0;
  read_ = {};
}

bool TraceReader::next_block() {
  if (block_events_left_ != 0)
    fail(block_offset_, fmt::format("{} events of the block are missing", block_events_left_));
  if (offset_ == end_) {
    if (read_ != info_)
      fail(end_, fmt::format("the end record's totals are not those of the {} events read", read_.events));
    return false;
  }
  block_offset_ = offset_;
  const BlockHeader header = read_block_header("a block before the end record");
  if (header.tag != BlockTag::events || header.events == 0 || header.raw_bytes == 0) {
    fail(block_offset_, "not a block of events");
  }
  const std::span<const std::byte> stored = stored_bytes(header.stored_bytes, header.checksum);

  // One byte more than announced: it shows that a frame holds more, which is never unpacked further.
  raw_.resize(header.raw_bytes + 1);
  ZSTD_inBuffer input{stored.data(), stored.size(), 0};
  ZSTD_outBuffer output{raw_.data(), raw_.size(), 0};
  ZSTD_DCtx_reset(decompressor_.get(), ZSTD_reset_session_only);
  const std::size_t left = ZSTD_decompressStream(decompressor_.get(), &output, &input);
  if (ZSTD_isError(left) != 0) fail(block_offset_, fmt::format("zstd: {}", ZSTD_getErrorName(left)));
  if (left != 0 || input.pos != input.size || output.pos != header.raw_bytes) {
    fail(block_offset_, fmt::format("the block does not unpack to its {} bytes", header.raw_bytes));
  }
  block_ = BlockDecoder(std::span(raw_).first(header.raw_bytes));
  block_events_left_ = header.events;
  return true;
}

TraceEvent TraceReader::decode() {
  TraceEvent event;
  if (block_events_left_ == 0) fail(block_offset_, "the block holds more events than it says");
  if (!block_.next(event)) {
    fail(block_offset_, fmt::format("event {} of the trace is corrupt: {}", read_.events, block_.error()));
  }
  if (read_.events == 0 && event.time_ns != 0) fail(block_offset_, "the first event's time is not 0");
  if (event.time_ns < read_.duration_ns) {
    fail(block_offset_, fmt::format("event {} of the trace is before its predecessor", read_.events));
  }
  --block_events_left_;
  read_.count(event);
  return event;
}

}  // namespace shadowwalk::trace
