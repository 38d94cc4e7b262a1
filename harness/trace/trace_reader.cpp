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

class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::filesystem::path& path)
      : path_(path.string()), fd_(open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status {};
    if (!fd_.is_open() || fstat(fd_.get(), &status) != 0) fail();
    if (!S_ISREG(status.st_mode)) {
      throw InputError(fmt::format("{}: not a file: a trace is read from its end, too, so no pipe will do", path_));
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }

  std::uint64_t size() const override { return size_; }

  bool read(std::uint64_t offset, std::span<std::byte> bytes) const override {
    if (offset > size_ || bytes.size() > size_ - offset) return false;
    while (!bytes.empty()) {
      const ssize_t count = pread(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail();
      if (count == 0) return false;  // truncated while it is read
      offset += static_cast<std::uint64_t>(count);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return true;
  }

 private:
  [[noreturn]] void fail() const { throw InputError(fmt::format("{}: {}", path_, std::strerror(errno))); }

  std::string path_;
  os::FileDescriptor fd_;
  std::uint64_t size_ = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  bool read(std::uint64_t offset, std::span<std::byte> bytes) const override {
    if (offset > bytes_.size() || bytes.size() > bytes_.size() - offset) return false;
    if (!bytes.empty()) std::memcpy(bytes.data(), bytes_.data() + offset, bytes.size());
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
};

/// A frame may ask for a window of gigabytes; no block needs more than its own size.
constexpr int kMaxWindowLog = 17;
static_assert(1 << kMaxWindowLog >= kMaxBlockBytes);

}  // namespace

std::unique_ptr<ByteSource> open_file(const std::filesystem::path& path) { return std::make_unique<FileSource>(path); }

std::unique_ptr<ByteSource> over_memory(std::span<const std::byte> bytes) {
  return std::make_unique<MemorySource>(bytes);
}

void TraceReader::FreeContext::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

TraceReader::TraceReader(const std::filesystem::path& path) : TraceReader(open_file(path), path.string()) {}

TraceReader::TraceReader(std::unique_ptr<ByteSource> bytes, std::string name, Checksums checksums)
    : bytes_(std::move(bytes)),
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

void TraceReader::read(std::uint64_t offset, std::span<std::byte> into) {
  if (!bytes_->read(offset, into)) fail(bytes_->size(), "the file ends here: truncated");
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
  std::array<std::byte, kFileHeaderBytes> header{};
  if (bytes_->size() == 0) fail(0, "the file is empty");
  read(0, header);
  if (const std::string wrong = file_header_error(header); !wrong.empty()) fail(0, wrong);

  std::array<std::byte, kEndRecordBytes> end{};
  if (bytes_->size() < kFileHeaderBytes + kEndRecordBytes) fail(bytes_->size(), "the file ends here: truncated");
  end_ = bytes_->size() - kEndRecordBytes;
  read(end_, end);
  std::string error;
  const std::optional<TraceInfo> info = get_end_record(end, check_sums_, error);
  if (!info) fail(end_, error);
  info_ = *info;

  offset_ = kFileHeaderBytes;
  if (end_ - offset_ < kBlockHeaderBytes) fail(offset_, "no room for the block with the source");
  std::array<std::byte, kBlockHeaderBytes> bytes{};
  read(offset_, bytes);
  const std::optional<BlockHeader> source = get_block_header(bytes, check_sums_, error);
  if (!source) fail(offset_, error);
  if (source->tag != BlockTag::source || source->raw_bytes != source->stored_bytes || source->events != 0) {
    fail(offset_, "the first block does not contain the source");
  }
  const std::span<const std::byte> text = stored_bytes(source->stored_bytes, source->checksum);
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
  if (end_ - offset_ < kBlockHeaderBytes) fail(offset_, "no room for a block before the end record");
  std::array<std::byte, kBlockHeaderBytes> bytes{};
  read(offset_, bytes);
  std::string error;
  const std::optional<BlockHeader> header = get_block_header(bytes, check_sums_, error);
  if (!header) fail(block_offset_, error);
  if (header->tag != BlockTag::events || header->events == 0 || header->raw_bytes == 0) {
    fail(block_offset_, "not a block of events");
  }
  const std::span<const std::byte> stored = stored_bytes(header->stored_bytes, header->checksum);

  // One byte more than announced: it shows that a frame holds more, which is never unpacked further.
  raw_.resize(header->raw_bytes + 1);
  ZSTD_inBuffer input{stored.data(), stored.size(), 0};
  ZSTD_outBuffer output{raw_.data(), raw_.size(), 0};
  ZSTD_DCtx_reset(decompressor_.get(), ZSTD_reset_session_only);
  const std::size_t left = ZSTD_decompressStream(decompressor_.get(), &output, &input);
  if (ZSTD_isError(left) != 0) fail(block_offset_, fmt::format("zstd: {}", ZSTD_getErrorName(left)));
  if (left != 0 || input.pos != input.size || output.pos != header->raw_bytes) {
    fail(block_offset_, fmt::format("the block does not unpack to its {} bytes", header->raw_bytes));
  }
  block_ = BlockDecoder(std::span(raw_).first(header->raw_bytes));
  block_events_left_ = header->events;
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
