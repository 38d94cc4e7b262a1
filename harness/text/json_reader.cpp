#include "harness/text/json_reader.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "harness/machine/error.hpp"
#include "harness/os/printable.hpp"

namespace shadowwalk {
namespace {

using nlohmann::json;

constexpr std::size_t kMostOfAValue = 80;

/// Looks at a text once before a document is made of it; says what is wrong with it.
class Check final : public nlohmann::json_sax<json> {
 public:
  std::string wrong;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return begin(); }
  bool start_array(std::size_t) override { return begin(); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    wrong = fmt::format("has the key \"{}\" twice in one object", os::printable(name, kMostOfAValue));
    return false;
  }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    wrong = fmt::format("is no JSON: byte {} is wrong", position);
    return false;
  }

 private:
  bool begin() {
    keys_.emplace_back();
    if (keys_.size() > kMostJsonDepth) {
      wrong = fmt::format("is nested more than {} deep", kMostJsonDepth);
    } else if (++parts_ > kMostJsonParts) {
      wrong = fmt::format("has more than {} lists and objects", kMostJsonParts);
    }
    return wrong.empty();
  }
  bool end() {
    keys_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> keys_;  ///< of the lists and objects that are open
  std::size_t parts_ = 0;
};

}  // namespace

json parse_json(std::string_view text) {
  // The library takes a zero byte for the end, and what follows for nothing.
  if (const std::size_t zero = text.find('\0'); zero != text.npos) {
    throw InputError(fmt::format("is no JSON: byte {} is zero", zero + 1));
  }
  Check check;
  if (!json::sax_parse(text, &check)) throw InputError(check.wrong);
  return json::parse(text);
}

JsonValue JsonValue::at(std::string_view key) const {
  if (auto found = find(key)) return std::move(*found);
  throw InputError(name_of(key) + " is missing");
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  if (!value_->is_object()) wrong("is no object");
  const auto found = value_->find(key);
  if (found == value_->end()) return std::nullopt;
  return JsonValue(*found, name_of(key));
}

std::vector<JsonValue> JsonValue::elements() const {
  if (!value_->is_array()) wrong("is of another type; it must be a list");
  std::vector<JsonValue> elements;
  for (const json& element : *value_) elements.emplace_back(element, fmt::format("{}[{}]", name_, elements.size()));
  return elements;
}

std::vector<std::pair<std::string, JsonValue>> JsonValue::members() const {
  if (!value_->is_object()) wrong("is no object");
  std::vector<std::pair<std::string, JsonValue>> members;
  for (const auto& [key, value] : value_->items()) {
    members.emplace_back(key, JsonValue(value, name_of(key)));
  }
  return members;
}

bool JsonValue::is_text() const { return value_->is_string(); }

std::string JsonValue::text() const {
  std::string text = raw_text();
  if (os::printable(text) != text) {
    wrong(fmt::format("has characters that cannot be printed: \"{}\"", os::printable(text, kMostOfAValue)));
  }
  return text;
}

std::string JsonValue::raw_text() const {
  if (!value_->is_string()) wrong("is of another type; it must be a string");
  return value_->get<std::string>();
}

bool JsonValue::flag() const {
  if (!value_->is_boolean()) wrong("is of another type; it must be true or false");
  return value_->get<bool>();
}

void JsonValue::wrong(std::string_view what) const {
  throw InputError(fmt::format("{} {}", name_.empty() ? "the file" : os::printable(name_, kMostOfAValue), what));
}

std::string JsonValue::name_of(std::string_view key) const {
  return name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
}

template <class Bound>
void JsonValue::out_of_range(Bound least, Bound most) const {
  if (!value_->is_number_integer()) wrong("is of another type; it must be a whole number");
  wrong(fmt::format("is {}, not {} to {}", value_->dump(), least, most));
}

std::int64_t JsonValue::whole(std::int64_t least, std::int64_t most) const {
  const bool is_small = value_->is_number_integer() &&
                        (!value_->is_number_unsigned() || std::in_range<std::int64_t>(value_->get<std::uint64_t>()));
  const std::int64_t number = is_small ? value_->get<std::int64_t>() : 0;
  if (!is_small || number < least || number > most) out_of_range(least, most);
  return number;
}

std::uint64_t JsonValue::natural(std::uint64_t least, std::uint64_t most) const {
  // A value made in this process may be of the signed type.
  const bool is_natural =
      value_->is_number_unsigned() || (value_->is_number_integer() && value_->get<std::int64_t>() >= 0);
  const std::uint64_t number = is_natural ? value_->get<std::uint64_t>() : 0;
  if (!is_natural || number < least || number > most) out_of_range(least, most);
  return number;
}

}  // namespace shadowwalk
