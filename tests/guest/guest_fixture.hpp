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
#include "workloads/guest/registry.hpp"

namespace shadowwalk::test {

inline GuestConfig config_of(GuestKind kind, std::string_view program, unsigned burst, unsigned vcpus = 1) {
  GuestConfig config{
      .kind = kind, .vcpus = vcpus, .burst = burst, .params = {}, .program = *find_guest_program(program)};
  config.params.seed = 42;
  config.params.base_gfn = 0x12345678;
  config.params.pages = 5000;
  config.params.write_percent = 30;
  return config;
}

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
    GuestConfig config{.kind = GuestKind::kvm, .vcpus = vcpus, .burst = burst, .params = {}, .program = {}};
    config.params.pages = 1;
    config.program.name = "test image";
    config.program.image = bytes_;
    return make_guest(config);
  }

 private:
  std::vector<std::byte> bytes_;
};

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
