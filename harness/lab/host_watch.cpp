#include "harness/lab/host_watch.hpp"

#include "harness/measure/memory.hpp"

namespace shadowwalk {

HostWatch::Snapshot HostWatch::snapshot() const {
  return {.activity = host_activity(),
          .rss_bytes = rss_bytes(),
          .sec_page_tables_bytes = sec_page_tables_bytes(),
          .kvm = kvm_statistics_()};
}

HostChange HostWatch::finish(Noise& noise) const {
  const Snapshot after = snapshot();
  noise.steal_ns = after.activity.steal_ns - before_.activity.steal_ns;
  noise.other_load_cpus = other_load_cpus(before_.activity, after.activity, noise.duration_s);
  HostChange change;
  change.rss_bytes = {before_.rss_bytes, after.rss_bytes};
  if (before_.sec_page_tables_bytes && after.sec_page_tables_bytes) {
    change.sec_page_tables_bytes = {*before_.sec_page_tables_bytes, *after.sec_page_tables_bytes};
  }
  change.kvm_statistics = difference(before_.kvm.values, after.kvm.values);
  change.kvm_statistics_missing = after.kvm.unavailable;
  return change;
}

}  // namespace shadowwalk
