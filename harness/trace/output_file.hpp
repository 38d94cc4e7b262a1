#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace shadowwalk::trace {

/// A file that is there in full or not at all: written beside its path under another name, renamed by commit().
class OutputFile {
 public:
  /// Throws InputError if it cannot be written there.
  explicit OutputFile(std::filesystem::path path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  /// Without a commit() before it, nothing is left and what was at the path stands.
  ~OutputFile();

  /// Throws InputError (a full disk).
  void append(std::span<const std::byte> bytes);
  /// Syncs the file, puts it in its place and syncs the directory. Throws InputError. To be called once, at the end.
  void commit();
  const std::filesystem::path& path() const { return path_; }

 private:
  [[noreturn]] void fail() const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int fd_;
};

}  // namespace shadowwalk::trace
