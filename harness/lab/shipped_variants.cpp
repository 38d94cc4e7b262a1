#include "harness/lab/shipped_variants.hpp"

#include "harness/lab/floor_engine.hpp"
#include "harness/lab/registry.hpp"
#include "variants/hazard.hpp"
#include "variants/irq_ipi.hpp"
#include "variants/irq_ipi_2012.hpp"
#include "variants/leak.hpp"
#include "variants/mutex.hpp"
#include "variants/rcu_counter.hpp"
#include "variants/unsafe.hpp"

namespace shadowwalk {

void add_shipped_variants(Registry& registry) {
  registry.add(variant_entry<RcuCounter>());
  registry.add(variant_entry<IrqIpi>());
  registry.add(variant_entry<IrqIpi2012>());
  registry.add(variant_entry<Hazard>());
  registry.add(variant_entry<Mutex>());
  registry.add(variant_entry<Leak>());
  registry.add(variant_entry<Unsafe>());
  registry.add({.info = kFloorInfo,
                .make_engine = [](NativeMachine&, const CellConfig&, const Window& window,
                                  const PageBudget&) { return make_floor_engine(window); },
                .can_zap = false});
}

}  // namespace shadowwalk
