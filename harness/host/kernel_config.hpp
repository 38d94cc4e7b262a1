#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "harness/os/host_files.hpp"

namespace shadowwalk::host {

/// The configuration that the running kernel was built with, where the host keeps it.
class KernelConfig {
 public:
  KernelConfig() = default;
  /// `text`: lines such as CONFIG_HZ=250. `source`: the file that it is from.
  KernelConfig(std::string text, std::string source);

  /// Reads the first that there is of /proc/config.gz (the running kernel's own), /boot/config-RELEASE,
  /// /lib/modules/RELEASE/config and /lib/modules/RELEASE/build/.config. Empty where there is none. Throws nothing.
  static KernelConfig read(const os::HostFiles& files, std::string_view release);

  /// "y", "m", "250"; nothing if the option is not set or there is no configuration.
  std::optional<std::string> value(std::string_view option) const;
  bool is_set(std::string_view option) const { return value(option) == "y"; }
  /// The file; empty: there is none.
  const std::string& source() const { return source_; }

 private:
  std::string text_;
  std::string source_;
};

/// What a gzip file holds (RFC 1952); nothing if it is none, is cut off, or holds more than `most` bytes. Pure.
std::optional<std::string> gunzip(std::string_view compressed, std::size_t most);

}  // namespace shadowwalk::host
