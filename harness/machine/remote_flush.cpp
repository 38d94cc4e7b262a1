#include "harness/machine/remote_flush.hpp"

#include "harness/machine/request_all_cpus.hpp"

namespace shadowwalk {

std::size_t make_all_cpus_request(std::span<Vcpu* const> vcpus, std::uint32_t request_bits) {
  return request_all_cpus(vcpus, request_bits);
}

}  // namespace shadowwalk
