#include "harness/kernel/kernel_image.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "harness/kernel/tool.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::kernel {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRemedy = "give --kernel a directory or a .deb of a kernel (scripts/fetch-kernels gets two)";

/// Files in a directory whose name begins with `prefix`; none if there is no directory.
std::vector<fs::path> files_like(const fs::path& directory, std::string_view prefix) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().string().starts_with(prefix) && at->is_regular_file(error)) files.push_back(at->path());
  }
  std::ranges::sort(files);
  return files;
}

KernelImage image_in(const fs::path& directory) {
  std::vector<fs::path> images;
  for (const fs::path& folder : {directory, directory / "boot"}) {
    const auto found = files_like(folder, "vmlinuz");
    images.insert(images.end(), found.begin(), found.end());
  }
  if (images.empty()) images = files_like(directory / "arch/x86/boot", "bzImage");
  if (images.empty()) {
    throw InputError(fmt::format("--kernel {}: no vmlinuz, boot/vmlinuz-* or arch/x86/boot/bzImage is there; {}",
                                 directory.string(), kRemedy));
  }
  if (images.size() > 1) {
    throw InputError(fmt::format("--kernel {}: several images are there, such as {} and {}; give a directory with one",
                                 directory.string(), images[0].string(), images[1].string()));
  }
  return {.release = release_of_image(images[0]), .vmlinuz = images[0], .tree = directory, .unpacked = nullptr};
}

KernelImage image_of_package(const fs::path& package) {
  os::require_program("dpkg-deb", "--kernel FILE.deb", "dpkg");
  auto unpacked = std::make_shared<ScratchDirectory>();
  try {
    output_of({"dpkg-deb", "--extract", package.string(), unpacked->path().string()});
  } catch (const InputError& error) {
    throw InputError(fmt::format("--kernel {}: cannot be unpacked: {}", package.string(), error.what()));
  }
  if (files_like(unpacked->path() / "boot", "vmlinuz").empty()) {
    throw InputError(fmt::format("--kernel {}: the package holds no boot/vmlinuz-*: give one like linux-image-*.deb",
                                 package.string()));
  }
  KernelImage image = image_in(unpacked->path());
  image.unpacked = std::move(unpacked);
  return image;
}

KernelImage image_of_running_kernel() {
  utsname name{};
  uname(&name);
  const std::vector<fs::path> candidates = {fmt::format("/boot/vmlinuz-{}", name.release),
                                            fmt::format("/lib/modules/{}/vmlinuz", name.release)};
  for (const fs::path& candidate : candidates) {
    std::error_code error;
    if (fs::exists(candidate, error)) {
      return {.release = release_of_image(candidate), .vmlinuz = candidate, .tree = "/", .unpacked = nullptr};
    }
  }
  throw InputError(fmt::format("--machine kernel-vm: the image of the kernel that runs here is neither {} nor {}; {}",
                               candidates[0].string(), candidates[1].string(), kRemedy));
}

}  // namespace

ScratchDirectory::ScratchDirectory() {
  std::string name = (fs::temp_directory_path() / "shadowwalk-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw InputError(
        fmt::format("cannot make a directory in {}: {}", fs::temp_directory_path().string(), std::strerror(errno)));
  }
  path_ = name;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

KernelImage find_kernel_image(const fs::path& kernel) {
  if (kernel.empty()) return image_of_running_kernel();
  std::error_code error;
  if (fs::is_directory(kernel, error)) return image_in(kernel);
  if (!fs::exists(kernel, error)) {
    throw InputError(fmt::format("--kernel {}: there is no such file or directory; {}", kernel.string(), kRemedy));
  }
  if (kernel.extension() == ".deb") return image_of_package(kernel);
  throw InputError(fmt::format("--kernel {}: it is neither a directory nor a .deb; {}", kernel.string(), kRemedy));
}

std::string release_of_image(const fs::path& vmlinuz) {
  // Documentation/arch/x86/boot.rst: the setup header, and the place of the release in it.
  constexpr std::size_t kMagicAt = 0x202, kReleaseAt = 0x20e, kBase = 0x200;
  constexpr std::size_t kSetup = 1 << 16;
  constexpr std::string_view kMagic = "HdrS";
  const std::string content = os::read_file(vmlinuz).substr(0, kSetup);
  const auto none = [&] { return InputError(fmt::format("{} is no bzImage of Linux for x86", vmlinuz.string())); };
  if (content.size() < kReleaseAt + sizeof(std::uint16_t) || content.compare(kMagicAt, kMagic.size(), kMagic) != 0) {
    throw none();
  }
  std::uint16_t offset = 0;
  std::memcpy(&offset, content.data() + kReleaseAt, sizeof offset);
  if (offset == 0 || kBase + offset >= content.size()) throw none();
  const std::string text(content.c_str() + kBase + offset);  // "6.1.0-57-cloud-amd64 (builder) #1 SMP ..."
  const std::string release = text.substr(0, text.find(' '));
  const bool is_plain =
      std::ranges::all_of(release, [](unsigned char letter) { return letter > ' ' && letter < 0x7f && letter != '/'; });
  if (release.empty() || !is_plain) throw none();
  return release;
}

}  // namespace shadowwalk::kernel
