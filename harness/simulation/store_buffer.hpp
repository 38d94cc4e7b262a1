#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "harness/simulation/memory_model.hpp"
#include "harness/simulation/transition.hpp"

namespace shadowwalk::simulation {

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
  /// `steps`: that the CPU's program has taken.
  void push(Location& location, std::uint64_t value, bool release, std::uint32_t steps) {
    stores_.push_back({&location, value, release, steps});
  }

  /// What the CPU itself reads there, if it has a store to it waiting.
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
      if (is_first_of_its_location(i)) locations.push_back({stores_[i].location->id, stores_[i].pushed_after});
    }
    return locations;
  }
  /// The oldest store to this location, which is waiting, becomes visible.
  const Location& drain(LocationId id) {
    auto store = stores_.begin();
    while (store->location->id != id) ++store;
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

  bool is_first_of_its_location(std::size_t index) const {
    for (std::size_t i = 0; i < index; ++i) {
      if (stores_[i].location == stores_[index].location) return false;
    }
    return true;
  }

  std::deque<Store> stores_;
};

}  // namespace shadowwalk::simulation
