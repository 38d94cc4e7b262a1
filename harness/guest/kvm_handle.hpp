// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "harness/os/file_descriptor.hpp"

namespace shadowwalk::kvm {

using os::FileDescriptor;

/// Owns a memory mapping. Zeroed and not yet backed (anonymous), or shared with the kernel (of a descriptor).
class Mapping {
 public:
  /// Throw CellError, naming `what` is mapped, if mmap fails.
  static Mapping anonymous(std::size_t bytes, const char* what);
  static Mapping shared(int fd, std::size_t bytes, const char* what);

  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&&) = delete;
  ~Mapping();

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  explicit Mapping(std::span<std::byte> bytes) : bytes_(bytes) {}
  std::span<std::byte> bytes_;
};

/// ioctl that throws CellError "guest kvm: <name>: <reason>" on failure. `argument` is a pointer or a number.
int checked_ioctl(int fd, unsigned long request, const char* name, void* argument);
int checked_ioctl(int fd, unsigned long request, const char* name, unsigned long argument = 0);

}  // namespace shadowwalk::kvm

/// `request` is a KVM_* constant, whose name the error repeats.
#define SHADOWWALK_KVM_IOCTL(fd, request, ...) \
  ::shadowwalk::kvm::checked_ioctl((fd), (request), #request __VA_OPT__(, ) __VA_ARGS__)
