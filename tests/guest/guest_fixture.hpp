#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "harness/guest/guest.hpp"
#include "harness/machine/error.hpp"
#include "workloads/guest/guest_program.hpp"

namespace shadowwalk::test {

constexpr std::uint64_t kBaseGfn = 0x12345678;

/// The guest program on `params`, from kBaseGfn.
inline GuestConfig config_of(GuestKind kind, const GuestParams& params, unsigned burst, unsigned vcpus = 1) {
  GuestConfig config{.kind = kind, .vcpus = vcpus, .burst = burst, .params = params, .program = guest_program()};
  config.params.seed = 42;
  config.params.base_gfn = kBaseGfn;
  return config;
}

inline GuestParams mmio_poll() { return uniform_guest(5000, 0, /*mmio_percent=*/100); }
inline GuestParams uniform_ram() { return uniform_guest(5000, /*write_percent=*/30); }

/// The next `count` accesses (or more, up to a whole burst), as words. Kicks in between are passed over.
inline std::vector<std::uint64_t> next_accesses(GuestVcpu& vcpu, std::size_t count) {
  std::vector<std::uint64_t> words;
  while (words.size() < count) {
    for (const Access access : vcpu.enter()) words.push_back(access.word);
  }
  return words;
}

/// A KVM guest of raw machine code.
class TestImage {
 public:
  TestImage(std::initializer_list<int> code) {
    for (const int byte : code) bytes_.push_back(static_cast<std::byte>(byte));
  }
  std::unique_ptr<Guest> make(unsigned burst, unsigned vcpus = 1) const {
    GuestConfig config{
        .kind = GuestKind::kvm, .vcpus = vcpus, .burst = burst, .params = uniform_guest(1), .program = {}};
    config.program.image = bytes_;
    return make_guest(config);
  }

 private:
  std::vector<std::byte> bytes_;
};

/// The InputError with which make_guest refuses `config`, or "accepted".
inline std::string refusal(const GuestConfig& config) {
  try {
    make_guest(config);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

/// Runs `call`, which must throw CellError, and returns its text.
template <typename Call>
std::string cell_error(Call call) {
  try {
    call();
  } catch (const CellError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no CellError";
  return {};
}

}  // namespace shadowwalk::test

/// Ends a KVM test with the reason where KVM guests cannot run.
#define SHADOWWALK_NEED_KVM() \
  if (const std::string reason = ::shadowwalk::kvm_unavailable_reason(); !reason.empty()) GTEST_SKIP() << reason
