#include "harness/machine/remote_flush.hpp"

#include <array>
#include <vector>

namespace shadowwalk {

std::size_t make_all_cpus_request(std::span<Vcpu* const> vcpus, std::uint32_t request_bits) {
  constexpr std::size_t kOnStack = 64;
  std::array<Cpu*, kOnStack> few;
  std::vector<Cpu*> many;
  Cpu** mask = few.data();
  if (vcpus.size() > kOnStack) {
    many.resize(vcpus.size());
    mask = many.data();
  }

  for (Vcpu* vcpu : vcpus) vcpu->post(request_bits);
  // Between the requests and the modes, as in the kernel: pairs with the exchange in enter_guest_mode() and with the
  // read side of irq-ipi ("mode = READING; full barrier; read SPTE" against "unlink; full barrier; read mode").
  full_fence();

  std::size_t interrupted = 0;
  for (Vcpu* vcpu : vcpus) {
    VcpuMode mode = VcpuMode::in_guest;
    // acquire on failure pairs with the release store of outside_guest at the end of a section: its reads are over.
    vcpu->mode.compare_exchange_strong(mode, VcpuMode::exiting, std::memory_order_seq_cst, std::memory_order_acquire);
    if (mode != VcpuMode::outside_guest && vcpu != Cpu::current()) mask[interrupted++] = vcpu;
  }
  if (interrupted != 0) send_ipi({mask, interrupted});
  return interrupted;
}

}  // namespace shadowwalk
