#pragma once

#include <filesystem>
#include <string>

#include "harness/kernel/scratch_directory.hpp"

namespace shadowwalk::kernel {

/// A kernel to boot: its image, and the tree that it lies in.
struct KernelImage {
  std::string release;            ///< as `uname -r` says in it
  std::filesystem::path vmlinuz;  ///< a bzImage
  std::filesystem::path tree;     ///< below which boot/, lib/modules/ and usr/src/ are, if it has these; "/" as well
  /// What was unpacked of a package, and goes with this.
  std::shared_ptr<const ScratchDirectory> unpacked;
};

/// The kernel that `--kernel` means. `kernel`: empty: the one that runs here, whose image is in /boot or /lib/modules;
/// a directory that holds one image as vmlinuz*, boot/vmlinuz* or arch/x86/boot/bzImage; or a .deb of one, which is
/// unpacked into TMPDIR and not installed. Throws InputError: no image, several, or one that cannot be read or is none.
KernelImage find_kernel_image(const std::filesystem::path& kernel);

/// The release that a bzImage says it is. Throws InputError if the file cannot be read or is none.
std::string release_of_image(const std::filesystem::path& vmlinuz);

}  // namespace shadowwalk::kernel
