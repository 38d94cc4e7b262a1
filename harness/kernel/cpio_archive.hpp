#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace shadowwalk::kernel {

/// An archive as a kernel unpacks it into its first file system: cpio's `newc` format
/// (Documentation/driver-api/early-userspace/buffer-format.rst). Everything in it belongs to root, has the time 0, and
/// is read-only for others, so that the same content gives the same bytes. Names are absolute paths; the directories
/// that lead to them are added by themselves. Not thread-safe.
class CpioArchive {
 public:
  /// A file that can be executed. A name that is there already is left as it is. Throws InputError if it has 4 GiB or
  /// more.
  void add_file(std::string_view name, std::string_view content);
  void add_directory(std::string_view name);
  /// A character device.
  void add_device(std::string_view name, unsigned major, unsigned minor);

  /// The whole archive. Call it once, at the end.
  std::string finish();

 private:
  struct Node {
    unsigned mode = 0;
    unsigned device_major = 0;
    unsigned device_minor = 0;
  };
  /// False: the name is there already.
  bool add_parents(std::string_view name);
  void add(std::string_view name, const Node& node, std::string_view content);

  std::string bytes_;
  std::set<std::string, std::less<>> names_;
  std::uint32_t inode_ = 0;
};

}  // namespace shadowwalk::kernel
