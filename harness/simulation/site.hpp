#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace shadowwalk::simulation {

/// Where a function was called, as its default argument. (clang 14 has no std::source_location.)
struct SourceLine {
  const char* file;
  unsigned line;
  static constexpr SourceLine current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

/// A place in the source that orders something: a barrier, or an access whose order is stronger than relaxed.
struct Site {
  enum class Kind : std::uint8_t {
    full_fence,         ///< weakened: none
    exchange,           ///< store and full barrier in one; weakened: a plain store
    read_modify_write,  ///< any other; locked on x86 whatever its order, so that weakening it changes nothing
    release_store,      ///< weakened: relaxed
    acquire_load        ///< loads are not reordered: weakening it changes nothing
  };
  std::string file;  ///< as the compiler was given it
  unsigned line = 0;
  Kind kind = Kind::full_fence;

  friend auto operator<=>(const Site&, const Site&) = default;
};

}  // namespace shadowwalk::simulation
