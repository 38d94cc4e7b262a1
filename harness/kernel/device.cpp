#include "harness/kernel/device.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "harness/kernel/kernel_module.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/printable.hpp"

namespace shadowwalk::kernel {
namespace {

/// Opens the device and asks what it is. Returns why that is not possible; empty: it is.
std::string open_device(os::FileDescriptor& fd, shadowwalk_about& about) {
  fd = os::FileDescriptor(open(SHADOWWALK_DEVICE, O_RDWR | O_CLOEXEC));
  if (!fd.is_open()) {
    switch (errno) {
      case ENOENT:
      case ENXIO:
      case ENODEV:
        return is_module_loaded() ? fmt::format(
                                        "the module is loaded, but {} is not there: mount devtmpfs, or pass the "
                                        "device into the container",
                                        SHADOWWALK_DEVICE)
                                  : std::string(
                                        "the module is not loaded: `shadowwalk kernel build`, then, as root, "
                                        "`shadowwalk kernel load`");
      case EACCES:
      case EPERM:
        return fmt::format("{} is root's alone: run it with sudo", SHADOWWALK_DEVICE);
      default:
        return fmt::format("{} cannot be opened ({}): look at dmesg", SHADOWWALK_DEVICE, std::strerror(errno));
    }
  }
  if (ioctl(fd.get(), SHADOWWALK_IOC_ABOUT, &about) != 0) {
    return fmt::format("{} does not answer ({}): it is not this program's module", SHADOWWALK_DEVICE,
                       std::strerror(errno));
  }
  constexpr const char* kRemedy = "`shadowwalk kernel unload`, `build` and `load`";
  if (about.abi_version != SHADOWWALK_ABI_VERSION) {
    return fmt::format("the module {} has version {} of the ABI, this program {}: {}", text_of(about.version),
                       about.abi_version, SHADOWWALK_ABI_VERSION, kRemedy);
  }
  if (about.request_size != sizeof(shadowwalk_request) || about.result_size != sizeof(shadowwalk_result)) {
    return fmt::format("the module {} was built from another tree, though its ABI has the same version: {}",
                       text_of(about.version), kRemedy);
  }
  if (const std::string version = text_of(about.version); version != SHADOWWALK_VERSION) {
    return fmt::format("the module has version {}, this program {}: {}", version, SHADOWWALK_VERSION, kRemedy);
  }
  return {};
}

}  // namespace

template <std::size_t Size>
std::string text_of(const char (&text)[Size]) {
  return os::printable({text, strnlen(text, Size)});
}
template std::string text_of(const char (&)[SHADOWWALK_NAME_BYTES]);
template std::string text_of(const char (&)[SHADOWWALK_FLOOR_NAME_BYTES]);
template std::string text_of(const char (&)[64]);
template std::string text_of(const char (&)[SHADOWWALK_LINE_BYTES]);

std::string why_no_device() {
  os::FileDescriptor fd;
  shadowwalk_about about{};
  return open_device(fd, about);
}

Device::Device() {
  if (const std::string why = open_device(fd_, about_); !why.empty()) {
    throw InputError(fmt::format("--machine kernel: {}", why));
  }
}

std::vector<shadowwalk_variant> Device::variants() const {
  std::vector<shadowwalk_variant> variants;
  for (std::uint32_t index = 0; index < about_.variants; ++index) {
    shadowwalk_variant variant{};
    variant.index = index;
    if (ioctl(fd_.get(), SHADOWWALK_IOC_VARIANT, &variant) != 0) {
      throw InputError(fmt::format("--machine kernel: the module does not list its variants: {}", why(errno)));
    }
    variants.push_back(variant);
  }
  return variants;
}

std::unique_ptr<shadowwalk_result> Device::run(const shadowwalk_request& request) const {
  if (ioctl(fd_.get(), SHADOWWALK_IOC_RUN, &request) != 0) fail(errno);
  auto result = std::make_unique<shadowwalk_result>();
  auto* const bytes = reinterpret_cast<char*>(result.get());
  for (std::size_t done = 0; done < sizeof *result;) {
    const ssize_t count = pread(fd_.get(), bytes + done, sizeof *result - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      throw CellError(fmt::format("--machine kernel: the result cannot be read: {}", std::strerror(errno)));
    done += static_cast<std::size_t>(count);
  }
  if (result->abi_version != SHADOWWALK_ABI_VERSION || result->size != sizeof *result) {
    throw CellError("--machine kernel: the module's result is none of this version");
  }
  return result;
}

std::vector<shadowwalk_floor> Device::floors() const {
  std::vector<shadowwalk_floor> rows;
  for (std::uint32_t index = 0;; ++index) {
    shadowwalk_floor row{};
    row.index = index;
    if (ioctl(fd_.get(), SHADOWWALK_IOC_FLOOR, &row) == 0) {
      rows.push_back(row);
    } else if (errno == ENOENT) {
      return rows;
    } else {
      fail(errno);
    }
  }
}

shadowwalk_floor Device::time_floor(std::uint32_t index, std::span<const unsigned> cpus,
                                    std::uint64_t iterations) const {
  shadowwalk_floor floor{};
  floor.index = index;
  floor.iterations = iterations;
  floor.cpu_count = static_cast<std::uint32_t>(cpus.size());
  for (std::size_t i = 0; i < std::min(cpus.size(), std::size(floor.cpus)); ++i) {
    floor.cpus[i] = static_cast<std::uint16_t>(cpus[i]);
  }
  if (ioctl(fd_.get(), SHADOWWALK_IOC_FLOOR, &floor) != 0) fail(errno);
  return floor;
}

void Device::fail(int error) const {
  const std::string what = fmt::format("--machine kernel: {}", why(error));
  switch (error) {
    case ENOMEM:
    case EIO:
    case ENODEV:
    case ETIMEDOUT:
    case EINTR:
      throw CellError(what);
    default:
      throw InputError(what);
  }
}

std::string Device::why(int error) const {
  char line[SHADOWWALK_LINE_BYTES] = {};
  if (ioctl(fd_.get(), SHADOWWALK_IOC_WHY, line) == 0) {
    if (std::string text = text_of(line); !text.empty()) return text;
  }
  return error == EBUSY ? "another cell runs in the kernel: wait for its end" : std::strerror(error);
}

}  // namespace shadowwalk::kernel
