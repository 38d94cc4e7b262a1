#include "workloads/workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "harness/guest/guest.hpp"
#include "harness/machine/error.hpp"
#include "workloads/workload_file.hpp"

namespace shadowwalk {
namespace {

constexpr double kEntries = 512;

/// Tables of levels 1 to 3 for `pages`, at most: where they are not aligned they lie in one table more at each level.
struct Tables {
  explicit Tables(double pages)
      : level1(pages / kEntries + 2), level2(level1 / kEntries + 2), level3(level2 / kEntries + 2) {}
  double level1, level2, level3;
};

double pages_of_oldest(const HostAction& action, std::uint64_t working_set) {
  const Tables tables(static_cast<double>(working_set));
  return action.level == 1 ? 1 : action.level == 2 ? tables.level1 + 1 : tables.level1 + tables.level2 + 1;
}
double all_pages(const HostAction&, std::uint64_t working_set) {
  const Tables tables(static_cast<double>(working_set));
  return tables.level1 + tables.level2 + tables.level3 + 1;
}
double as_asked(const HostAction& action, std::uint64_t) { return static_cast<double>(action.pages); }
double no_page(const HostAction&, std::uint64_t) { return 0; }

constexpr std::string_view kQuotaCalls = "KVM_SET_NR_MMU_PAGES twice: the least quota, and the former one again";

using Kind = HostAction::Kind;
constexpr std::array kHostActions = {
    HostActionInfo{.kind = Kind::zap_oldest,
                   .name = "zap-oldest",
                   .takes_pages = false,
                   .in_order = false,
                   .by_quota = true,
                   .host_kvm_calls = kQuotaCalls,
                   .retires = pages_of_oldest},
    HostActionInfo{
        .kind = Kind::zap_everything,
        .name = "zap-everything",
        .takes_pages = false,
        .in_order = false,
        .by_quota = false,
        .host_kvm_calls = "KVM_SET_USER_MEMORY_REGION twice: the working set's memory slot is deleted and added again",
        .retires = all_pages},
    HostActionInfo{
        .kind = Kind::write_protect,
        .name = "write-protect",
        .takes_pages = true,
        .in_order = true,
        .by_quota = false,
        .host_kvm_calls = "KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG of the working set's memory slot: one round",
        .retires = no_page},
    HostActionInfo{.kind = Kind::invalidate,
                   .name = "invalidate",
                   .takes_pages = true,
                   .in_order = true,
                   .by_quota = false,
                   .host_kvm_calls = "madvise(MADV_DONTNEED) of the next range of the working set",
                   .retires = no_page},
    HostActionInfo{.kind = Kind::shrink,
                   .name = "shrink",
                   .takes_pages = true,
                   .in_order = true,
                   .by_quota = true,
                   .host_kvm_calls = kQuotaCalls,
                   .retires = as_asked},
};

constexpr bool is_in_order_of_enum() {
  for (std::size_t i = 0; i < kHostActions.size(); ++i) {
    if (kHostActions[i].kind != static_cast<Kind>(i)) return false;
  }
  return true;
}
static_assert(is_in_order_of_enum() && kHostActions.back().kind == Kind::shrink, "a row per kind, the last one last");

AccessStream stream_of(const StreamShape& shape, std::uint64_t working_set) {
  const auto share = [&](double percent) {
    return static_cast<std::uint64_t>(static_cast<double>(working_set) * percent / 100);
  };
  AccessStream stream = shape.stream;
  stream.first_page = share(shape.first_percent);
  stream.pages = std::max<std::uint64_t>(1, share(shape.pages_percent));
  if (stream.locality == Locality::churn) {
    stream.pages = std::max<std::uint64_t>(1, stream.pages / stream.processes);
  }
  stream.stride = std::min(stream.stride, stream.pages);
  return stream;
}

/// The pages of the zipf streams: check_guest() demands that all of them have one size. 0: there is none.
std::uint64_t zipf_pages(const GuestParams& params) {
  for (const AccessPhase& phase : std::span(params.phases, params.phase_count)) {
    for (const AccessStream& stream : std::span(phase.streams, phase.stream_count)) {
      if (stream.locality == Locality::zipf) return stream.pages;
    }
  }
  return 0;
}

}  // namespace

std::span<const HostActionInfo> host_action_infos() { return kHostActions; }

std::span<const Workload> workloads() {
  static const std::vector<Workload> parsed = [] {
    std::vector<Workload> all;
    for (const ShippedWorkload& shipped : shipped_workloads())
      all.push_back(parse_workload(shipped.text, shipped.file));
    return all;
  }();
  return parsed;
}

const Workload* find_workload(std::string_view name) {
  const auto all = workloads();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Workload& w) { return w.name == name; });
  return found == all.end() ? nullptr : &*found;
}

Workload load_workload(std::string_view name_or_file) {
  if (!name_or_file.ends_with(".toml")) {
    if (const Workload* shipped = find_workload(name_or_file)) return *shipped;
    throw InputError(fmt::format("unknown workload '{}': `shadowwalk list workloads` lists them", name_or_file));
  }
  Workload workload = read_workload(name_or_file);
  if (find_workload(workload.name) != nullptr) {
    throw InputError(
        fmt::format("{}: the name '{}' is a shipped workload's; choose another, so that results "
                    "differ",
                    name_or_file, workload.name));
  }
  return workload;
}

GuestParams guest_params(const Workload& workload, const GuestKnobs& knobs) {
  GuestParams params;
  params.seed = knobs.seed;
  params.base_gfn = knobs.base_gfn;
  for (const PhaseShape& shape : workload.phases) {
    AccessPhase& phase = params.phases[params.phase_count++];
    phase.accesses = shape.accesses;
    phase.idle_us = static_cast<std::uint64_t>(shape.idle.count());
    for (const StreamShape& stream : shape.streams) {
      phase.streams[phase.stream_count++] = stream_of(stream, knobs.working_set);
    }
  }
  double zipf_skew = workload.zipf_skew;
  apply_knobs(knobs, workload.name, params, zipf_skew);
  if (const std::uint64_t pages = zipf_pages(params); pages != 0) params.zipf = make_zipf_table(pages, zipf_skew);
  return params;
}

double shadow_pages_of(std::uint64_t working_set) {
  const Tables tables(static_cast<double>(working_set));
  return tables.level1 + tables.level2 + tables.level3 + 1;
}

double pages_retired_per_beat(const Workload& workload, std::uint64_t working_set) {
  double pages = 0;
  double weights = 0;
  for (const HostAction& action : workload.host) {
    pages += action.weight * info(action).retires(action, working_set);
    weights += action.weight;
  }
  return weights == 0 ? 0 : pages / weights;
}

}  // namespace shadowwalk
