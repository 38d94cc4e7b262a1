#pragma once

namespace shadowwalk::bench {

/// Each registers one family of benchmarks with Google Benchmark (docs/bench.md lists them). Call each once, after the
/// registry's variants are known, peers and plug-ins included: families over variants hold one benchmark for every
/// entry of the registry.
void register_primitive_floors();  ///< floor/xchg, floor/atomic_inc_shared
void register_rcu_floor();         ///< floor/rcu_counter_by_hand
void register_walks();             ///< floor/pointer_chase, walk/{variant}, peer/{library}/{scheme}
void register_reclaims();          ///< reclaim/{variant}/walker:W, peer-reclaim/{library}/{scheme}/walker:W
void register_cells();             ///< cell/{variant}/instrumentation:LEVEL
void register_sections();          ///< section/{variant}
void register_commits();           ///< commit/{variant}
void register_zap_alls();          ///< zap_all/{variant}/pages:N
void register_memory();            ///< memory/{variant}/pages:N
void register_ipis();              ///< ipi/signal, ipi/membarrier
void register_exits();             ///< exit/mmio, exit/doorbell
void register_projections();       ///< project/{variant}/vcpus:N
void register_kvm_run_floors();    ///< floor/kvm_run/mmio, floor/kvm_run/doorbell

}  // namespace shadowwalk::bench
