#include "harness/text/toml_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>
#include <utility>

#include "harness/machine/error.hpp"
#include "harness/os/printable.hpp"
#include "harness/text/suggestion.hpp"

namespace shadowwalk {

std::string TomlReader::type_name(const toml::node& node) {
  using Row = std::pair<toml::node_type, const char*>;
  constexpr Row kNames[] = {{toml::node_type::table, "a table"},
                            {toml::node_type::array, "a list"},
                            {toml::node_type::string, "a string"},
                            {toml::node_type::integer, "a whole number"},
                            {toml::node_type::floating_point, "a number with a fraction"},
                            {toml::node_type::boolean, "a boolean"}};
  const auto* const row = std::ranges::find(kNames, node.type(), &Row::first);
  return row == std::end(kNames) ? "a date or time" : row->second;
}

namespace {

/// Where a string that begins `text` ends, past its closing quotes; all of `text` if it is not closed.
std::size_t string_bytes(std::string_view text) {
  const char quote = text.front();
  const std::string three(3, quote);
  const std::string_view close = text.starts_with(three) ? std::string_view(three) : text.substr(0, 1);
  for (std::size_t at = close.size(); at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text.substr(at).starts_with(close)) {
      return at + close.size();
    } else if (close.size() == 1 && text[at] == '\n') {
      return at;
    }
  }
  return text.size();
}

/// The line of the first key of more than `most` parts, as `a.b.c` has three; nothing if there is none. toml++ descends
/// into a key by recursion, without a bound.
std::optional<toml::source_index> line_of_deep_key(std::string_view text, std::size_t most) {
  std::size_t dots = 0;
  toml::source_index line = 1;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      const std::size_t bytes = string_bytes(text.substr(at));
      line += static_cast<toml::source_index>(std::ranges::count(text.substr(at, bytes), '\n'));
      at += bytes;
      continue;
    }
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    const bool in_key =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == ' ' || c == '\t';
    if (c == '.') {
      if (++dots >= most) return line;
    } else if (!in_key) {
      dots = 0;
    }
    if (c == '\n') ++line;
    ++at;
  }
  return std::nullopt;
}

}  // namespace

toml::table TomlReader::parse(std::string_view text) const {
  constexpr std::size_t kMostParts = 32;
  if (const auto line = line_of_deep_key(text, kMostParts)) {
    fail({{*line, 1}, {*line, 1}, nullptr},
         fmt::format("a key has more than {} parts; name tables by [a.b]", kMostParts));
  }
  try {
    return toml::parse(text, file_);
  } catch (const toml::parse_error& error) {
    fail(error.source(), fmt::format("not valid TOML: {}", error.description()));
  }
}

std::string TomlReader::text(std::string_view key, const toml::node& node) const {
  const auto value = node.value_exact<std::string>();
  if (!value) fail(node.source(), fmt::format("'{}' is {}; it must be a string", key, type_name(node)));
  if (os::printable(*value) != *value) {
    fail(node.source(), fmt::format("'{}' has characters that cannot be printed: \"{}\"; leave them out", key,
                                    os::printable(*value, 80)));
  }
  return *value;
}

std::int64_t TomlReader::integer(const toml::key& key, const toml::node& node, std::int64_t least,
                                 std::int64_t most) const {
  const auto value = node.value_exact<std::int64_t>();
  if (!value) fail(node.source(), fmt::format("'{}' is {}; it must be a whole number", key.str(), type_name(node)));
  if (*value < least || *value > most) {
    fail(node.source(), fmt::format("'{}' is {}; it must be from {} to {}", key.str(), *value, least, most));
  }
  return *value;
}

double TomlReader::number(const toml::key& key, const toml::node& node, double above, double most) const {
  if (!node.is_number())
    fail(node.source(), fmt::format("'{}' is {}; it must be a number", key.str(), type_name(node)));
  // Not value<double>(): it has none of a whole number that no double is.
  const auto whole = node.value_exact<std::int64_t>();
  const double value = whole ? static_cast<double>(*whole) : node.value_exact<double>().value();
  if (!(value > above && value <= most)) {  // a NaN is neither
    fail(node.source(), fmt::format("'{}' is {}; it must be above {} and at most {}", key.str(), value, above, most));
  }
  return value;
}

const toml::table& TomlReader::table(const toml::key& key, const toml::node& node) const {
  if (const toml::table* table = node.as_table()) return *table;
  fail(node.source(), fmt::format("'{0}' must be a table: [{0}]", key.str()));
}

const toml::array& TomlReader::tables(const toml::key& key, const toml::node& node) const {
  const toml::array* tables = node.as_array();
  if (tables != nullptr && !tables->empty() && tables->is_homogeneous(toml::node_type::table)) return *tables;
  fail(node.source(), fmt::format("'{0}' must be a list of tables: write [[{0}]], with two brackets", key.str()));
}

void TomlReader::unknown(const char* what, const toml::key& key, std::span<const std::string> known) const {
  fail(key.source(), fmt::format("unknown {} '{}'{} known: {}", what, key.str(), suggestion(key.str(), known),
                                 fmt::join(known, " ")));
}

void TomlReader::fail(const toml::source_region& where, std::string_view what) const {
  throw InputError(fmt::format("{}:{}:{}: {}", file_, where.begin.line, where.begin.column, what));
}

}  // namespace shadowwalk
