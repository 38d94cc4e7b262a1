#include "harness/lab/variant_availability.hpp"

#include "harness/machine/membarrier.hpp"

namespace shadowwalk {

std::string why_unavailable(const VariantInfo& info) {
  return info.needs_membarrier ? register_membarrier() : std::string();
}

}  // namespace shadowwalk
