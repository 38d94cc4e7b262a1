#include "harness/guest/guest.hpp"

#include <fmt/core.h>

#include "harness/guest/guest_abi.hpp"
#include "harness/guest/guest_state.hpp"
#include "harness/guest/kvm_guest.hpp"
#include "harness/guest/thread_guest.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

constexpr unsigned kMaxVcpus = 1024;
constexpr unsigned kMaxBurst = 65536;

void check(const GuestConfig& config) {
  if (config.vcpus < 1 || config.vcpus > kMaxVcpus) {
    throw InputError(fmt::format("guest: {} vCPUs: choose 1..{}", config.vcpus, kMaxVcpus));
  }
  if (config.burst < 1 || config.burst > kMaxBurst) {
    throw InputError(fmt::format("guest: {} accesses an exit: choose 1..{}", config.burst, kMaxBurst));
  }
  const GuestParams& params = config.params;
  if (params.write_percent > 100) {
    throw InputError(fmt::format("guest: {} % writes: choose 0..100", params.write_percent));
  }
  if (params.pages < 1 || params.pages > guest_abi::kWindowPages ||
      params.base_gfn > guest_abi::kWindowPages - params.pages) {
    throw InputError(
        fmt::format("guest: a working set of {} pages from gfn {:#x}: choose at least 1 page, all below gfn {:#x}",
                    params.pages, params.base_gfn, guest_abi::kWindowPages));
  }
}

/// The finalizer of splitmix64: neighbouring inputs give unrelated outputs.
constexpr std::uint64_t mix(std::uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

}  // namespace

GuestProgramState initial_state(const GuestConfig& config, unsigned index) {
  GuestProgramState state{.params = config.params, .random = mix(mix(config.params.seed) + index), .position = 0};
  state.params.program = config.program.index;
  state.params.vcpu = index;
  state.params.burst = config.burst;
  return state;
}

std::unique_ptr<Guest> make_guest(const GuestConfig& config) {
  check(config);
  if (config.kind == GuestKind::kvm) {
    if (const std::string reason = kvm_unavailable_reason(); !reason.empty()) throw InputError("guest kvm: " + reason);
    if (config.program.image.empty()) {
      throw InputError(fmt::format("guest kvm: program '{}' has no image; choose guest thread", config.program.name));
    }
    return make_kvm_guest(config);
  }
  if (config.program.produce == nullptr) {
    throw InputError(
        fmt::format("guest thread: program '{}' has only an image; choose guest kvm", config.program.name));
  }
  return make_thread_guest(config);
}

}  // namespace shadowwalk
