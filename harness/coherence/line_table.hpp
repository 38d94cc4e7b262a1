#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "harness/coherence/directory.hpp"

namespace shadowwalk::coherence {

/// The lines of a simulated memory by where their variables really are: what shares a line in the source shares it
/// here. Lines keep their addresses.
class LineTable {
 public:
  static constexpr std::uintptr_t kLineBytes = 64;

  Line& at(const void* address) {
    const std::uintptr_t number = reinterpret_cast<std::uintptr_t>(address) / kLineBytes;
    Recent& recent = recent_[number % recent_.size()];
    if (recent.number == number) [[likely]]
      return *recent.line;
    return find(number, recent);
  }

 private:
  struct Recent {
    std::uintptr_t number = ~std::uintptr_t{0};
    Line* line = nullptr;
  };

  [[gnu::noinline]] Line& find(std::uintptr_t number, Recent& recent) {
    const auto [entry, is_new] = lines_.try_emplace(number, nullptr);
    if (is_new) entry->second = &storage_.emplace_back();
    recent = {number, entry->second};
    return *entry->second;
  }

  std::array<Recent, 4096> recent_;
  std::unordered_map<std::uintptr_t, Line*> lines_;
  std::deque<Line> storage_;
};

}  // namespace shadowwalk::coherence
