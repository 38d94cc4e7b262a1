#pragma once

#include "variants/hazard.hpp"
#include "variants/irq_ipi.hpp"
#include "variants/irq_ipi_2012.hpp"
#include "variants/leak.hpp"
#include "variants/mutex.hpp"
#include "variants/rcu_counter.hpp"
#include "variants/unsafe.hpp"

namespace shadowwalk {

/// Calls visit.template operator()<Variant>() for each variant that ships, in the order in which lists show them.
template <class Visit>
void for_each_shipped_variant(Visit visit) {
  visit.template operator()<RcuCounter>();
  visit.template operator()<IrqIpi>();
  visit.template operator()<IrqIpi2012>();
  visit.template operator()<Hazard>();
  visit.template operator()<Mutex>();
  visit.template operator()<Leak>();
  visit.template operator()<Unsafe>();
}

}  // namespace shadowwalk
