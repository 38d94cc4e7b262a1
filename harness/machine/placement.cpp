#include "harness/machine/placement.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwloc.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

unsigned logical_index_or_zero(hwloc_obj_t object) { return object == nullptr ? 0 : object->logical_index; }

unsigned parse_cpu_number(std::string_view text, std::string_view list, std::string_view option,
                          std::string_view choices) {
  const bool digits = !text.empty() && text.size() <= 6 &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) throw InputError(fmt::format("{} {}: '{}' is not a CPU number; use {}", option, list, text, choices));
  unsigned value = 0;
  for (const char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

}  // namespace

std::vector<HardwareThread> allowed_hardware_threads() {
  hwloc_topology_t topology;
  // Without trying out CPUs by running on them, which a container may forbid: sysfs has what is asked here.
  if (hwloc_topology_init(&topology) != 0 ||
      hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING) != 0 ||
      hwloc_topology_load(topology) != 0) {
    throw CellError("hwloc cannot read this machine's topology");
  }
  const std::unique_ptr<hwloc_topology, decltype(&hwloc_topology_destroy)> owner(topology, hwloc_topology_destroy);
  // Through hwloc: any number of CPUs, and a synthetic topology (HWLOC_SYNTHETIC) counts as allowed throughout.
  const std::unique_ptr<hwloc_bitmap_s, decltype(&hwloc_bitmap_free)> allowed(hwloc_bitmap_alloc(), hwloc_bitmap_free);
  if (hwloc_get_cpubind(topology, allowed.get(), HWLOC_CPUBIND_THREAD) != 0) {
    throw CellError(fmt::format("hwloc cannot find out which CPUs are allowed: {}", std::strerror(errno)));
  }

  std::vector<HardwareThread> threads;
  std::map<unsigned, unsigned> siblings_seen;
  for (hwloc_obj_t pu = nullptr; (pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu)) != nullptr;) {
    if (!hwloc_bitmap_isset(allowed.get(), pu->os_index)) continue;
    HardwareThread thread{};
    thread.cpu = pu->os_index;
    thread.core = logical_index_or_zero(hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu));
    const hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, pu);
    thread.package = logical_index_or_zero(package);
    hwloc_obj_t llc = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_L3CACHE, pu);
    if (llc == nullptr) llc = package;
    thread.llc = logical_index_or_zero(llc);
    for (hwloc_obj_t node = nullptr; (node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node));) {
      if (hwloc_bitmap_isset(node->cpuset, pu->os_index)) thread.numa_node = node->logical_index;
    }
    thread.sibling = siblings_seen[thread.core]++;
    threads.push_back(thread);
  }
  return threads;
}

std::vector<unsigned> parse_cpu_list(std::string_view list, const std::vector<HardwareThread>& threads,
                                     std::string_view option, std::string_view choices) {
  std::vector<unsigned> cpus;
  std::string_view rest = list;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
    const std::size_t dash = item.find('-');
    const unsigned first = parse_cpu_number(item.substr(0, dash), list, option, choices);
    const unsigned last =
        dash == std::string_view::npos ? first : parse_cpu_number(item.substr(dash + 1), list, option, choices);
    if (last < first) throw InputError(fmt::format("{} {}: the range '{}' runs backwards", option, list, item));
    for (unsigned cpu = first; cpu <= last; ++cpu) {
      const bool there = std::any_of(threads.begin(), threads.end(), [&](const auto& t) { return t.cpu == cpu; });
      if (!there) {
        throw InputError(fmt::format("{} {}: CPU {} is not there or not allowed to this process", option, list, cpu));
      }
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

namespace {

template <class Key>
void order_by(std::vector<HardwareThread>& threads, Key key) {
  std::stable_sort(threads.begin(), threads.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

/// Ranks threads within their NUMA node, so that sorting by rank alternates between nodes.
std::vector<HardwareThread> alternate_nodes(std::vector<HardwareThread> threads) {
  order_by(threads, [](const auto& t) { return std::tuple(t.sibling, t.core); });
  std::map<unsigned, unsigned> next_rank;
  std::map<unsigned, unsigned> rank_of_cpu;
  for (const auto& t : threads) rank_of_cpu[t.cpu] = next_rank[t.numa_node]++;
  order_by(threads, [&](const auto& t) { return std::tuple(rank_of_cpu[t.cpu], t.numa_node); });
  return threads;
}

}  // namespace

Placement Placement::parse(std::string_view spec, std::vector<HardwareThread> threads) {
  Placement placement;
  placement.pins_ = spec != "none";
  if (spec == "auto" || spec == "none") {
    order_by(threads, [](const auto& t) { return std::tuple(t.sibling, t.llc, t.core); });
  } else if (spec == "smt") {
    placement.room_is_of_ = RoomIsOf::threads;
    order_by(threads, [](const auto& t) { return std::tuple(t.llc, t.core, t.sibling); });
  } else if (spec == "llc") {
    const unsigned first_llc = threads.empty() ? 0 : threads.front().llc;
    std::erase_if(threads, [&](const auto& t) { return t.llc != first_llc; });
    order_by(threads, [](const auto& t) { return std::tuple(t.sibling, t.core); });
  } else if (spec == "numa") {
    threads = alternate_nodes(std::move(threads));
  } else {
    placement.room_is_of_ = RoomIsOf::listed_cpus;
    std::vector<HardwareThread> listed;
    for (const unsigned cpu : parse_cpu_list(spec, threads, "--placement", kPlacementChoices)) {
      listed.push_back(*std::ranges::find(threads, cpu, &HardwareThread::cpu));
    }
    threads = std::move(listed);
  }
  placement.order_ = threads;
  // A CPU that is listed twice still runs one thread at a time.
  std::set<unsigned> seen;
  std::erase_if(threads, [&](const auto& t) { return !seen.insert(t.cpu).second; });
  placement.distinct_ = threads.size();
  placement.reserve_from(std::move(threads));
  return placement;
}

/// From the end: of a list, as it is; else vCPU 0's package before others, and whole cores before second hardware
/// threads, unless siblings are to be neighbours.
void Placement::reserve_from(std::vector<HardwareThread> candidates) {
  if (candidates.empty()) return;
  const HardwareThread first = candidates.front();
  candidates.erase(candidates.begin());
  std::ranges::reverse(candidates);
  order_by(candidates, [&](const auto& t) {
    return std::tuple(room_is_of_ == RoomIsOf::cores ? t.sibling : 0,
                      room_is_of_ != RoomIsOf::listed_cpus && t.package != first.package);
  });
  reserve_ = std::move(candidates);
}

std::optional<unsigned> Placement::cpu_of(std::size_t index) const {
  if (!pins_ || order_.empty()) return std::nullopt;
  return order_[index % order_.size()].cpu;
}

DealtCpus Placement::deal(std::size_t vcpu_cpus, std::size_t zappers) const {
  DealtCpus dealt;
  if (!pins_ || order_.empty()) return dealt;
  std::vector<unsigned> taken;  // by zappers, in their order
  for (std::size_t i = std::min(zappers, reserve_.size()); i > 0; --i) taken.push_back(reserve_[i - 1].cpu);
  for (std::size_t i = 0; i < zappers; ++i) {
    dealt.zappers.push_back(taken.empty() ? order_.front().cpu : taken[i % taken.size()]);
  }
  const std::size_t next = taken.size();
  const bool has_own = next < reserve_.size() && vcpu_cpus + next < distinct_;
  if (has_own) {
    dealt.reclaimer = reserve_[next].cpu;
  } else if (zappers != 0) {
    dealt.reclaimer = dealt.zappers.front();
  } else {
    dealt.reclaimer = reserve_.empty() ? order_.front().cpu : reserve_.front().cpu;
  }
  for (const HardwareThread& thread : order_) {
    const bool is_free = std::ranges::find(taken, thread.cpu) == taken.end();
    if (is_free && !(has_own && thread.cpu == *dealt.reclaimer)) dealt.vcpus.push_back(thread.cpu);
  }
  dealt.vcpus.insert(dealt.vcpus.end(), taken.begin(), taken.end());
  return dealt;
}

VcpuRoom Placement::room_beside(std::size_t reserved) const {
  if (order_.empty()) return {};
  std::set<unsigned> taken;
  for (std::size_t i = 0; i < std::min(reserved, reserve_.size()); ++i) taken.insert(reserve_[i].cpu);
  VcpuRoom room{.llc = 0, .package = 0, .all = 0};
  for (const HardwareThread& thread : order_) {
    if (room_is_of_ == RoomIsOf::cores && thread.sibling != 0) continue;
    if (!taken.insert(thread.cpu).second) continue;
    ++room.all;
    if (thread.package == order_.front().package) ++room.package;
    if (thread.llc == order_.front().llc) ++room.llc;
  }
  return room;
}

void pin_this_thread(std::span<const unsigned> cpus) {
  const unsigned last = *std::ranges::max_element(cpus);
  // Of any number: a cpu_set_t has room for 1,024 CPUs.
  const auto free_set = [](cpu_set_t* set) { CPU_FREE(set); };
  const std::unique_ptr<cpu_set_t, decltype(free_set)> set(CPU_ALLOC(last + 1), free_set);
  const std::size_t bytes = CPU_ALLOC_SIZE(last + 1);
  CPU_ZERO_S(bytes, set.get());
  for (const unsigned cpu : cpus) CPU_SET_S(cpu, bytes, set.get());
  if (sched_setaffinity(0, bytes, set.get()) != 0) {
    throw CellError(fmt::format("cannot pin a thread to CPU {}: {}", fmt::join(cpus, ","), std::strerror(errno)));
  }
}

std::string why_no_pinning() {
  // No CPU at all: a kernel that looks at the set refuses it with EINVAL, and whatever forbids the call comes first.
  cpu_set_t none;
  CPU_ZERO(&none);
  if (sched_setaffinity(0, sizeof none, &none) == 0 || errno == EINVAL) return {};
  return fmt::format("sched_setaffinity: {}", std::strerror(errno));
}

}  // namespace shadowwalk
