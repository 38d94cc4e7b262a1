#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace shadowwalk {

/// Reads values from a TOML document that a user wrote. Every error is an InputError with its position:
/// `file:line:column: what is wrong; what to do`. Pure, thread-safe.
class TomlReader {
 public:
  /// `file`: its name in errors.
  explicit TomlReader(std::string file) : file_(std::move(file)) {}

  const std::string& file() const { return file_; }

  toml::table parse(std::string_view text) const;

  /// A string that can be printed on one line of a terminal, or it is refused.
  std::string text(std::string_view key, const toml::node& node) const;
  std::string text(const toml::key& key, const toml::node& node) const { return text(key.str(), node); }
  std::int64_t integer(const toml::key& key, const toml::node& node, std::int64_t least, std::int64_t most) const;
  /// A number with or without a fraction, above `above` and at most `most`.
  double number(const toml::key& key, const toml::node& node, double above, double most) const;
  /// `[key]`
  const toml::table& table(const toml::key& key, const toml::node& node) const;
  /// `[[key]]`: one table or more.
  const toml::array& tables(const toml::key& key, const toml::node& node) const;

  /// Refuses a key. `what`: "key" or the like; `known`: the valid names.
  [[noreturn]] void unknown(const char* what, const toml::key& key, std::span<const std::string> known) const;
  [[noreturn]] void fail(const toml::source_region& where, std::string_view what) const;

  /// "a whole number", "a list": the type's name in errors.
  static std::string type_name(const toml::node& node);

 private:
  std::string file_;
};

}  // namespace shadowwalk
