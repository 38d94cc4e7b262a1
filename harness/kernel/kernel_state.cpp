#include "harness/kernel/kernel_state.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <exception>
#include <string_view>
#include <vector>

#include "harness/kernel/device.hpp"
#include "harness/kernel/kernel_image.hpp"
#include "harness/kernel/kernel_module.hpp"
#include "harness/kernel/module_build.hpp"
#include "harness/kernel/vm_session.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::kernel {
namespace {

namespace fs = std::filesystem;

std::string device_in_words() {
  const Device device;
  const std::vector<shadowwalk_variant> variants = device.variants();
  const auto runnable = std::ranges::count_if(
      variants, [](const auto& variant) { return (variant.flags & SHADOWWALK_VARIANT_RUNS) != 0; });
  return fmt::format("{}, module {}, ABI {}, {} of {} variants", SHADOWWALK_DEVICE, text_of(device.about().version),
                     device.about().abi_version, runnable, variants.size());
}

/// "6.1.0-57-cloud-amd64 (build/kernels/bookworm)"; throws what find_kernel_image() does.
std::string image_in_words(const fs::path& kernel) {
  const KernelImage image = find_kernel_image(kernel);
  return fmt::format("{} ({})", image.release, (kernel.empty() ? image.vmlinuz : kernel).string());
}

/// Those below the directory that can be booted.
void add_images(const fs::path& kernels, std::vector<std::string>& images) {
  std::vector<fs::path> directories;
  std::error_code error;
  for (fs::directory_iterator at(kernels, error), end; !error && at != end; at.increment(error)) {
    directories.push_back(at->path());
  }
  std::ranges::sort(directories);
  for (const fs::path& directory : directories) {
    try {
      images.push_back(image_in_words(directory));
    } catch (const std::exception&) {  // no kernel: a directory may hold anything
    }
  }
}

}  // namespace

doctor::LiveFacts::KernelCells observe_kernel_cells(const fs::path& source, const fs::path& kernels) {
  doctor::LiveFacts::KernelCells found;
  utsname name{};
  uname(&name);
  found.release = name.release;
  found.is_loaded = is_module_loaded();
  found.device_unavailable = why_no_device();
  try {
    if (found.device_unavailable.empty()) found.device = device_in_words();
  } catch (const std::exception& error) {
    found.device_unavailable = error.what();
  }
  if (const fs::path file = module_file(found.release); why_not_for(file, found.release).empty()) {
    found.module_file = file.string();
  }
  try {
    found.build_unavailable = why_not_buildable(source, found.release, "/");
  } catch (const std::exception& error) {  // no process can be started
    found.build_unavailable = error.what();
  }
  found.qemu = os::find_program("qemu-system-x86_64").value_or("");
  found.kvm_unavailable = why_no_kvm_here();
  try {
    found.images.push_back(image_in_words({}));
  } catch (const std::exception& error) {
    constexpr std::string_view kAbout = "--machine kernel-vm: ";
    found.image_unavailable = error.what();
    if (found.image_unavailable.starts_with(kAbout)) found.image_unavailable.erase(0, kAbout.size());
  }
  add_images(kernels, found.images);
  return found;
}

}  // namespace shadowwalk::kernel
