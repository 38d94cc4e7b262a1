#include "harness/machine/placement.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <tuple>

#include "harness/machine/error.hpp"
#include "harness/machine/hardware_threads.hpp"

namespace shadowwalk {
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

constexpr std::string_view kChoices = "auto, smt, llc, numa, none or a list such as 0,2-5";

}  // namespace

Placement Placement::parse(std::string_view spec) {
  std::vector<HardwareThread> threads = allowed_hardware_threads();
  Placement placement;
  placement.allowed_ = threads.size();
  if (spec == "none") return placement;

  if (spec == "auto") {
    order_by(threads, [](const auto& t) { return std::tuple(t.sibling, t.llc, t.core); });
  } else if (spec == "smt") {
    order_by(threads, [](const auto& t) { return std::tuple(t.llc, t.core, t.sibling); });
  } else if (spec == "llc") {
    const unsigned first_llc = threads.empty() ? 0 : threads.front().llc;
    std::erase_if(threads, [&](const auto& t) { return t.llc != first_llc; });
    order_by(threads, [](const auto& t) { return std::tuple(t.sibling, t.core); });
  } else if (spec == "numa") {
    threads = alternate_nodes(std::move(threads));
  } else {
    placement.order_ = parse_cpu_list(spec, threads, "--placement", kChoices);
    // A CPU that is listed twice still runs one thread at a time.
    placement.allowed_ = std::set(placement.order_.begin(), placement.order_.end()).size();
    return placement;
  }
  for (const auto& t : threads) placement.order_.push_back(t.cpu);
  placement.allowed_ = placement.order_.size();
  return placement;
}

std::optional<unsigned> Placement::cpu_of(std::size_t index) const {
  if (order_.empty()) return std::nullopt;
  return order_[index % order_.size()];
}

void pin_this_thread(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) {
    throw CellError(fmt::format("cannot pin a thread to CPU {}: {}", cpu, std::strerror(errno)));
  }
}

}  // namespace shadowwalk
