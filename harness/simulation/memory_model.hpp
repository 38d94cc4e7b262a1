#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace shadowwalk::simulation {

/// What a simulated CPU may do with its stores before others see them. Loads are never reordered.
enum class MemoryModel {
  sc,   ///< every store is seen at once
  tso,  ///< x86: stores wait in one queue a CPU, in order; locked operations and fences drain it
  pso,  ///< stores to different locations may leave the queue out of order, except past a release store
};

inline constexpr std::array<std::pair<std::string_view, MemoryModel>, 3> kMemoryModels = {
    {{"sc", MemoryModel::sc}, {"tso", MemoryModel::tso}, {"pso", MemoryModel::pso}}};

}  // namespace shadowwalk::simulation
