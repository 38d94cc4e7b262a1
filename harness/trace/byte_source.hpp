#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace shadowwalk::trace {

/// Bytes of known number that can be read anywhere.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  /// Fills `bytes` from `offset` on; false where the source ends before that. Throws InputError if reading fails.
  virtual bool read(std::uint64_t offset, std::span<std::byte> bytes) const = 0;
};

/// A regular file. Throws InputError "<path>: <reason>" where it cannot be opened or is none.
std::unique_ptr<ByteSource> open_file(const std::filesystem::path& path);

/// Bytes that outlive it.
std::unique_ptr<ByteSource> over_memory(std::span<const std::byte> bytes);

}  // namespace shadowwalk::trace
