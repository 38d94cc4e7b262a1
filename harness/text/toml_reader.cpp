#include "harness/text/toml_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
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

toml::table TomlReader::parse(std::string_view text) const {
  try {
    return toml::parse(text, file_);
  } catch (const toml::parse_error& error) {
    fail(error.source(), fmt::format("not valid TOML: {}", error.description()));
  }
}

std::string TomlReader::text(const toml::key& key, const toml::node& node) const {
  const auto value = node.value_exact<std::string>();
  if (!value) fail(node.source(), fmt::format("'{}' is {}; it must be a string", key.str(), type_name(node)));
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
  const double value = node.value<double>().value();
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

std::string read_text_file(const std::filesystem::path& file, std::string_view what) {
  constexpr std::size_t kMaxSize = 1 << 20;
  const auto cannot = [&](const char* why) {
    return InputError(fmt::format("cannot read the {} {}: {}", what, file.string(), why));
  };
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) throw cannot(std::strerror(errno));
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) throw cannot("it is not a file");
  std::optional<std::string> text = os::read_if_readable(file, kMaxSize + 1);
  if (!text) throw cannot(std::strerror(errno));
  if (text->size() > kMaxSize) {
    throw InputError(fmt::format("the {} {} is larger than 1 MiB; is it the right file?", what, file.string()));
  }
  return std::move(*text);
}

}  // namespace shadowwalk
