#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/kernel/abi.h"
#include "harness/os/file_descriptor.hpp"

namespace shadowwalk::kernel {

/// Why the module's device cannot be used, in one line that says what to do; empty: it can. Loads nothing.
std::string why_no_device();

/// The module's character device (abi.h). Every text that comes out of it is printable. Not thread-safe: a cell belongs
/// to the thread that called run().
class Device {
 public:
  /// Throws InputError, why_no_device(): no module, no permission, another version.
  Device();

  const shadowwalk_about& about() const { return about_; }
  /// The module's list of variants, those included that a kernel cannot have.
  std::vector<shadowwalk_variant> variants() const;
  /// Runs a cell. A signal ends it. Throws InputError if the kernel refuses it, CellError if it could not go on, both
  /// with the module's reason.
  std::unique_ptr<shadowwalk_result> run(const shadowwalk_request& request) const;

  /// What FLOOR can time, a row each: name, kind and least_cpus.
  std::vector<shadowwalk_floor> floors() const;
  /// Times `floor.index` on `cpus`, which are online: `iterations` on each that does it. A signal ends it. Throws as
  /// run() does.
  shadowwalk_floor time_floor(std::uint32_t index, std::span<const unsigned> cpus, std::uint64_t iterations) const;

 private:
  [[noreturn]] void fail(int error) const;
  std::string why(int error) const;

  os::FileDescriptor fd_;
  shadowwalk_about about_{};
};

/// A text in a fixed array, which a 0 ends or nothing.
template <std::size_t Size>
std::string text_of(const char (&text)[Size]);

}  // namespace shadowwalk::kernel
