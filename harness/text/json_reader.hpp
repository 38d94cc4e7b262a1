#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// JSON that may be cut off, damaged or anyone's. Errors are InputErrors; the caller adds the file and what to do.
namespace shadowwalk {

/// The largest file of JSON that is read: a result has some 100 kB, a plan of 10,000 cells 10 MB.
inline constexpr std::size_t kMostJsonBytes = std::size_t{64} << 20;
/// Lists and objects inside each other. The library copies, compares and prints what it has read by recursion.
inline constexpr std::size_t kMostJsonDepth = 64;
/// Lists and objects of a document: each takes some 100 bytes of memory. A plan of 100,000 cells has 300,000.
inline constexpr std::size_t kMostJsonParts = std::size_t{1} << 20;

/// The document of a text. Throws InputError: it is no JSON (RFC 8259), nested deeper than kMostJsonDepth, has more
/// parts than kMostJsonParts, or an object has a key twice. Pure, thread-safe.
nlohmann::json parse_json(std::string_view text);

/// One value of a document, which must outlive it, and where it stands. Errors are InputErrors such as
/// `cells[3].id is missing`. Pure, thread-safe.
class JsonValue {
 public:
  /// `name`: what errors call it; empty: the file.
  explicit JsonValue(const nlohmann::json& value, std::string name = {}) : value_(&value), name_(std::move(name)) {}
  explicit JsonValue(nlohmann::json&& value, std::string name = {}) = delete;

  /// A member of an object.
  JsonValue at(std::string_view key) const;
  /// The same; nothing if the object has none of this name.
  std::optional<JsonValue> find(std::string_view key) const;
  /// Of a list.
  std::vector<JsonValue> elements() const;
  /// Of an object, in the order of the keys.
  std::vector<std::pair<std::string, JsonValue>> members() const;

  bool is_text() const;
  /// A text that can be printed on one line of a terminal, or it is refused.
  std::string text() const;
  /// Any text.
  std::string raw_text() const;
  bool flag() const;
  /// A whole number from `least` to `most`.
  template <std::integral Number>
  Number number(Number least = std::numeric_limits<Number>::min(),
                Number most = std::numeric_limits<Number>::max()) const {
    if constexpr (std::signed_integral<Number>) {
      return static_cast<Number>(whole(least, most));
    } else {
      return static_cast<Number>(natural(least, most));
    }
  }

  /// Refuses the value: its name and `what`.
  [[noreturn]] void wrong(std::string_view what) const;

 private:
  std::string name_of(std::string_view key) const;
  std::int64_t whole(std::int64_t least, std::int64_t most) const;
  std::uint64_t natural(std::uint64_t least, std::uint64_t most) const;
  template <class Bound>
  [[noreturn]] void out_of_range(Bound least, Bound most) const;

  const nlohmann::json* value_;
  std::string name_;
};

}  // namespace shadowwalk
