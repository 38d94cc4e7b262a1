#pragma once

#include <filesystem>
#include <memory>

namespace shadowwalk::kernel {

/// A directory of its own in TMPDIR, removed with the object. What a killed process leaves behind is called
/// shadowwalk-*.
class ScratchDirectory {
 public:
  /// Throws InputError.
  ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace shadowwalk::kernel
