#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/simulation/schedule.hpp"

namespace shadowwalk::simulation {

/// What a simulated CPU may do with its stores before others see them. Loads are never reordered.
enum class MemoryModel {
  sc,   ///< every store is seen at once
  tso,  ///< x86: stores wait in one queue per CPU, in order; locked operations and fences drain it
  pso,  ///< stores to different locations may leave the queue out of order, except past a release store
};

inline constexpr std::array<std::pair<std::string_view, MemoryModel>, 3> kMemoryModels = {
    {{"sc", MemoryModel::sc}, {"tso", MemoryModel::tso}, {"pso", MemoryModel::pso}}};
static_assert(kMemoryModels[0].second == MemoryModel::sc && kMemoryModels[1].second == MemoryModel::tso &&
              kMemoryModels.back().second == MemoryModel::pso);

/// A shared variable, as memory holds it.
struct Location {
  LocationId id = 0;
  std::uint64_t value = 0;
};

/// Stores of one CPU that others do not see yet, the oldest first.
class StoreBuffer {
 public:
  bool empty() const { return stores_.empty(); }
  std::size_t size() const { return stores_.size(); }
  /// `steps`: the steps that the CPU's program has taken.
  void push(Location& location, std::uint64_t value, bool release, std::uint32_t steps) {
    stores_.push_back({&location, value, release, steps});
  }

  /// What the CPU itself reads there, if a store of its own to it is waiting.
  std::optional<std::uint64_t> forward(const Location& location) const {
    for (auto store = stores_.rbegin(); store != stores_.rend(); ++store) {
      if (store->location == &location) return store->value;
    }
    return std::nullopt;
  }

  /// Calls visit(location, value) for each store, the oldest first.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const Store& store : stores_) visit(*store.location, store.value);
  }

  struct Drainable {
    LocationId location;
    std::uint32_t pushed_after;
  };
  /// The locations whose oldest store may become visible next.
  std::vector<Drainable> drainable(MemoryModel model) const {
    std::vector<Drainable> locations;
    for (std::size_t i = 0; i < stores_.size(); ++i) {
      if (i != 0 && (model != MemoryModel::pso || stores_[i].release)) break;  // release: after all before it
      const Store& store = stores_[i];
      const bool is_new = std::ranges::find(locations, store.location->id, &Drainable::location) == locations.end();
      if (is_new) locations.push_back({store.location->id, store.pushed_after});
    }
    return locations;
  }
  /// The oldest store to this location, which is waiting, becomes visible.
  const Location& drain(LocationId id) {
    const auto store = std::ranges::find_if(stores_, [&](const Store& one) { return one.location->id == id; });
    Location& location = *store->location;
    location.value = store->value;
    stores_.erase(store);
    return location;
  }

 private:
  struct Store {
    Location* location;
    std::uint64_t value;
    bool release;
    std::uint32_t pushed_after;
  };

  std::deque<Store> stores_;
};

}  // namespace shadowwalk::simulation
