#include "workloads/workload.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/guest/make_zipf_table.hpp"
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

double pages_retired(const HostAction& action, const Tables& tables) {
  switch (action.kind) {
    case HostAction::Kind::zap_oldest:
      return action.level == 1 ? 1 : action.level == 2 ? tables.level1 + 1 : tables.level1 + tables.level2 + 1;
    case HostAction::Kind::zap_everything:
      return tables.level1 + tables.level2 + tables.level3 + 1;
    case HostAction::Kind::shrink:
      return static_cast<double>(action.pages);
    case HostAction::Kind::write_protect:
    case HostAction::Kind::invalidate:
      return 0;
  }
  return 0;
}

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

bool is_workload_file(std::string_view workload) { return workload.ends_with(".toml"); }

Workload load_workload(std::string_view name_or_file) {
  if (!is_workload_file(name_or_file)) {
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
  const Tables tables(static_cast<double>(working_set));
  double pages = 0;
  double weights = 0;
  for (const HostAction& action : workload.host) {
    pages += action.weight * pages_retired(action, tables);
    weights += action.weight;
  }
  return weights == 0 ? 0 : pages / weights;
}

}  // namespace shadowwalk
