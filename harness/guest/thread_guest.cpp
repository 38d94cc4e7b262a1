#include <algorithm>
#include <atomic>
#include <vector>

#include "harness/guest/access_ring.hpp"
#include "harness/guest/guest.hpp"
#include "harness/guest/guest_kinds.hpp"

namespace shadowwalk {
namespace {

/// Accesses between two looks at immediate_exit: a kick need not wait for the rest of a long burst.
constexpr std::size_t kChunk = 256;

class ThreadVcpu final : public GuestVcpu {
 public:
  ThreadVcpu(const GuestConfig& config, unsigned index)
      : produce_(config.program.produce),
        burst_(config.burst),
        state_(initial_state(config, index)),
        memory_((AccessRing::bytes_for(config.burst) + sizeof(Line) - 1) / sizeof(Line)),
        ring_(memory_.data()->bytes, config.burst, index) {}

  std::span<const Access> enter() override {
    auto* header = reinterpret_cast<guest_abi::AccessRingHeader*>(memory_.data());
    const std::span<Access> entries(guest_abi::ring_entries(header), burst_);
    while (written_ < burst_) {
      if (std::atomic_ref(immediate_exit_).load(std::memory_order_relaxed) != 0) return {};
      const std::size_t chunk = std::min(kChunk, burst_ - written_);
      produce_(state_, entries.subspan(written_, chunk));
      written_ += chunk;
    }
    written_ = 0;
    guest_abi::publish(*header, burst_, burst_idle_us(state_));
    return ring_.take();
  }

  std::uint64_t idle_us() const override { return ring_.idle_us(); }
  std::uint8_t& immediate_exit() override { return immediate_exit_; }

 private:
  struct alignas(guest_abi::AccessRingHeader) Line {
    std::byte bytes[sizeof(guest_abi::AccessRingHeader)];
  };

  void (*const produce_)(GuestProgramState&, std::span<Access>);
  const std::size_t burst_;
  GuestProgramState state_;
  std::size_t written_ = 0;  // of a burst that a kick interrupted
  std::vector<Line> memory_;
  AccessRing ring_;
  alignas(64) std::uint8_t immediate_exit_ = 0;  // written by kickers: on a line of its own
};

class ThreadGuest final : public Guest {
 public:
  explicit ThreadGuest(const GuestConfig& config) {
    for (unsigned i = 0; i < config.vcpus; ++i) vcpus_.push_back(std::make_unique<ThreadVcpu>(config, i));
  }
  GuestVcpu& vcpu(unsigned index) override { return *vcpus_.at(index); }
  KvmStatistics statistics() const override { return {.values = {}, .unavailable = "a thread guest has no KVM"}; }

 private:
  std::vector<std::unique_ptr<ThreadVcpu>> vcpus_;
};

}  // namespace

std::unique_ptr<Guest> make_thread_guest(const GuestConfig& config) { return std::make_unique<ThreadGuest>(config); }

}  // namespace shadowwalk
