#include "harness/guest/kvm_handle.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "harness/machine/error.hpp"

namespace shadowwalk::kvm {
namespace {

std::span<std::byte> map(std::size_t bytes, int flags, int fd, const char* what) {
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (address == MAP_FAILED) {
    throw CellError(fmt::format("guest kvm: mmap of {} ({} bytes): {}", what, bytes, strerror(errno)));
  }
  return {static_cast<std::byte*>(address), bytes};
}

}  // namespace

Mapping Mapping::anonymous(std::size_t bytes, const char* what) {
  return Mapping(map(bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, what));
}

Mapping Mapping::shared(int fd, std::size_t bytes, const char* what) {
  return Mapping(map(bytes, MAP_SHARED, fd, what));
}

Mapping::~Mapping() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

int checked_ioctl(int fd, unsigned long request, const char* name, unsigned long argument) {
  const int result = ioctl(fd, request, argument);
  if (result >= 0) return result;
  const int error = errno;
  const char* remedy = error == EMFILE ? " (raise `ulimit -n`: a vCPU takes a descriptor)" : "";
  throw CellError(fmt::format("guest kvm: {}: {}{}", name, strerror(error), remedy));
}

int checked_ioctl(int fd, unsigned long request, const char* name, void* argument) {
  return checked_ioctl(fd, request, name, reinterpret_cast<unsigned long>(argument));
}

}  // namespace shadowwalk::kvm
