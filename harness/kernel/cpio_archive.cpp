#include "harness/kernel/cpio_archive.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <limits>

#include "harness/machine/error.hpp"

namespace shadowwalk::kernel {
namespace {

constexpr std::string_view kTrailer = "TRAILER!!!";

/// As the format has them: relative to the root.
std::string_view relative(std::string_view name) {
  while (name.starts_with('/')) name.remove_prefix(1);
  while (name.ends_with('/')) name.remove_suffix(1);
  return name;
}

void pad(std::string& bytes) { bytes.resize((bytes.size() + 3) / 4 * 4); }

}  // namespace

void CpioArchive::add_file(std::string_view name, std::string_view content) {
  if (content.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw InputError(fmt::format("{} is too large for an initramfs: it has {} bytes", name, content.size()));
  }
  if (add_parents(relative(name))) add(relative(name), {.mode = S_IFREG | 0555}, content);
}

void CpioArchive::add_directory(std::string_view name) {
  if (add_parents(relative(name))) add(relative(name), {.mode = S_IFDIR | 0755}, {});
}

void CpioArchive::add_device(std::string_view name, unsigned major, unsigned minor) {
  if (!add_parents(relative(name))) return;
  add(relative(name), {.mode = S_IFCHR | 0600, .device_major = major, .device_minor = minor}, {});
}

std::string CpioArchive::finish() {
  add(kTrailer, {}, {});
  return std::move(bytes_);
}

bool CpioArchive::add_parents(std::string_view name) {
  if (names_.contains(name)) return false;
  if (const std::size_t slash = name.rfind('/'); slash != std::string_view::npos) add_directory(name.substr(0, slash));
  names_.emplace(name);
  return true;
}

void CpioArchive::add(std::string_view name, const Node& node, std::string_view content) {
  constexpr unsigned kOwner = 0, kLinks = 1, kTime = 0, kOnDevice = 0, kChecksum = 0;
  bytes_ += fmt::format("070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}",
                        inode_++, node.mode, kOwner, kOwner, kLinks, kTime, content.size(), kOnDevice, kOnDevice,
                        node.device_major, node.device_minor, name.size() + 1, kChecksum);
  bytes_ += name;
  bytes_ += '\0';
  pad(bytes_);
  bytes_ += content;
  pad(bytes_);
}

}  // namespace shadowwalk::kernel
