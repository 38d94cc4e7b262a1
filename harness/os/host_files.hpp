#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shadowwalk::os {

/// The files that describe a host (/proc, /sys, /dev), below a root that tests choose. Paths are those on the host:
/// "/proc/meminfo". Nothing throws: a file that is missing or unreadable has no content.
class HostFiles {
 public:
  explicit HostFiles(std::filesystem::path root = "/") : root_(std::move(root)) {}

  /// The content, at most 1 MiB, without trailing white space.
  std::optional<std::string> read(std::string_view path) const;
  /// All bytes of a file that is no text; at most 1 MiB.
  std::optional<std::string> read_bytes(std::string_view path) const;
  /// The value of the first `key: value` line, as /proc/cpuinfo has them; empty if there is none.
  std::string read_value(std::string_view path, std::string_view key) const;
  std::optional<std::int64_t> read_number(std::string_view path) const;
  bool exists(std::string_view path) const;
  /// Names in a directory, sorted; empty if it is missing or unreadable.
  std::vector<std::string> list(std::string_view path) const;
  /// Whether the directory exists, but this user may not list it.
  bool is_closed(std::string_view path) const;

 private:
  std::filesystem::path on_host(std::string_view path) const;

  std::filesystem::path root_;
};

}  // namespace shadowwalk::os
