#include "harness/measure/pmu/sysfs_pmu.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <set>
#include <system_error>

#include "harness/text/suggestion.hpp"

namespace shadowwalk::pmu {
namespace {

namespace fs = std::filesystem;

/// The first line of a file; nothing if it cannot be read.
std::optional<std::string> first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!file.is_open() || !std::getline(file, line)) return std::nullopt;
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  return line;
}

std::vector<std::string> file_names(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) names.insert(entry.path().filename().string());
  return {names.begin(), names.end()};
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc{} || text.empty() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A file name, not a path: what is between the slashes comes from the user.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos;
}

bool is_core_pmu(const fs::path& folder) {
  std::error_code error;
  return folder.filename() == "cpu" || fs::exists(folder / "cpus", error);
}

/// `event=0x1.scale` and the like describe an event and are not events.
bool is_event_file(std::string_view name) {
  constexpr std::array<std::string_view, 4> kSuffixes = {".scale", ".unit", ".snapshot", ".per-pkg"};
  return std::ranges::none_of(kSuffixes, [&](std::string_view suffix) { return name.ends_with(suffix); });
}

/// The number of a word of perf_event_attr: 0 of `config`, 1 of `config1`, 2 of `config2`.
std::optional<unsigned> number_of_word(std::string_view name) {
  constexpr std::array<std::string_view, 3> kWords = {"config", "config1", "config2"};
  const auto word = std::ranges::find(kWords, name);
  if (word == kWords.end()) return std::nullopt;
  return static_cast<unsigned>(word - kWords.begin());
}

__u64& word_of(perf_event_attr& attributes, unsigned number) {
  return number == 0 ? attributes.config : number == 1 ? attributes.config1 : attributes.config2;
}

/// Builds one event, term by term. Keeps the first error in `error`.
class TermEncoder {
 public:
  TermEncoder(const fs::path& folder, EncodedEvent& event) : folder_(folder), event_(event) {}

  void encode(std::string_view terms, bool aliases_allowed) {
    for (std::size_t begin = 0; begin < terms.size() && error.empty();) {
      const std::size_t end = std::min(terms.find(',', begin), terms.size());
      if (end != begin) encode_term(terms.substr(begin, end - begin), aliases_allowed);
      begin = end + 1;
    }
  }

  std::string error;

 private:
  void encode_term(std::string_view term, bool aliases_allowed) {
    const std::size_t equals = term.find('=');
    const std::string key(term.substr(0, equals));
    const std::string_view text = equals == std::string_view::npos ? std::string_view{} : term.substr(equals + 1);
    if (key == "name") return;  // only a label
    if (!is_plain_name(key)) return fail("has an empty term");
    if (equals == std::string_view::npos && aliases_allowed && encode_alias(key)) return;
    const auto value = equals == std::string_view::npos ? std::optional<std::uint64_t>{1} : parse_number(text);
    if (!value) {
      if (text.starts_with('?')) return fail(fmt::format("needs a value for {}", key));
      return fail(fmt::format("{}={}: the value must be a number such as 12 or 0x1f", key, text));
    }
    if (const auto number = number_of_word(key)) {
      word_of(event_.attributes, *number) = *value;
      return;
    }
    const auto file = first_line(folder_ / "format" / key);
    if (!file) {
      const std::vector<std::string> known = known_terms();
      return fail(fmt::format("no term '{}'{} there are: {}", key, suggestion(key, known), fmt::join(known, " ")));
    }
    const auto format = parse_term_format(*file);
    if (!format) return fail(fmt::format("the kernel's format of {} is not understood: {}", key, *file));
    if (!put_term(*format, *value, event_.attributes)) {
      fail(fmt::format("{}={:#x} does not fit its {} bits", key, *value, format->bits.size()));
    }
  }

  bool encode_alias(const std::string& name) {
    if (!is_event_file(name)) return false;
    const auto terms = first_line(folder_ / "events" / name);
    if (!terms) return false;
    encode(*terms, /*aliases_allowed=*/false);
    if (const auto unit = first_line(folder_ / "events" / (name + ".unit"))) event_.unit = *unit;
    if (const auto scale = first_line(folder_ / "events" / (name + ".scale"))) {
      double number = 0;
      const auto [end, wrong] = std::from_chars(scale->data(), scale->data() + scale->size(), number);
      if (wrong == std::errc{} && end == scale->data() + scale->size()) event_.scale = number;
    }
    return true;
  }

  std::vector<std::string> known_terms() const {
    std::vector<std::string> terms = file_names(folder_ / "format");
    for (const std::string& name : file_names(folder_ / "events")) {
      if (is_event_file(name)) terms.push_back(name);
    }
    terms.emplace_back("config");
    return terms;
  }

  void fail(std::string what) {
    if (error.empty()) error = std::move(what);
  }

  const fs::path folder_;
  EncodedEvent& event_;
};

std::string describe(const std::string& pmu, const perf_event_attr& attributes, const std::string& modifiers) {
  std::string text = fmt::format("{}/config={:#x}", pmu, attributes.config);
  if (attributes.config1 != 0) text += fmt::format(",config1={:#x}", attributes.config1);
  if (attributes.config2 != 0) text += fmt::format(",config2={:#x}", attributes.config2);
  return text + "/" + modifiers;
}

}  // namespace

std::optional<TermFormat> parse_term_format(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto word = number_of_word(text.substr(0, colon));
  if (colon == std::string_view::npos || !word) return std::nullopt;
  TermFormat format{.word = *word, .bits = {}};
  for (std::size_t begin = colon + 1; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view range = text.substr(begin, end - begin);
    const std::size_t dash = range.find('-');
    const auto low = parse_number(range.substr(0, dash));
    const auto high = dash == std::string_view::npos ? low : parse_number(range.substr(dash + 1));
    if (!low || !high || *low > *high || *high > 63) return std::nullopt;
    for (std::uint64_t bit = *low; bit <= *high; ++bit) format.bits.push_back(static_cast<unsigned>(bit));
    begin = end + 1;
  }
  return format;
}

bool put_term(const TermFormat& format, std::uint64_t value, perf_event_attr& attributes) {
  const std::size_t width = format.bits.size();
  if (width < 64 && (value >> width) != 0) return false;
  __u64& word = word_of(attributes, format.word);
  for (std::size_t i = 0; i < width; ++i) {
    const __u64 mask = __u64{1} << format.bits[i];
    word = ((value >> i) & 1) != 0 ? word | mask : word & ~mask;
  }
  return true;
}

std::variant<EncodedEvent, Refusal> encode_sysfs_event(const std::string& event, const SystemPaths& paths,
                                                       CountedCode code) {
  const std::size_t open = event.find('/');
  const std::size_t close = event.rfind('/');
  const std::string pmu = event.substr(0, open);
  const std::string terms = event.substr(open + 1, close - open - 1);
  std::string modifiers = event.substr(close + 1);
  if (modifiers.starts_with(':')) modifiers.erase(0, 1);
  if (const auto wrong = modifiers.find_first_not_of("ukhGH"); wrong != std::string::npos) {
    return Refusal{event, fmt::format("modifier '{}' is unknown; there are u k h G H", modifiers[wrong])};
  }

  const fs::path folder = paths.event_source / pmu;
  const auto type = is_plain_name(pmu) ? first_line(folder / "type") : std::nullopt;
  const auto number = type ? parse_number(*type) : std::nullopt;
  if (!number) {
    return Refusal{event,
                   fmt::format("no PMU '{}' here; there are: {}", pmu, fmt::join(file_names(paths.event_source), " "))};
  }
  if (std::error_code error; fs::exists(folder / "cpumask", error)) {
    return Refusal{event, fmt::format("{} counts a socket or core complex, never one thread: "
                                      "run `perf stat -a -e {}` beside",
                                      pmu, event)};
  }
  EncodedEvent encoded;
  encoded.name = event_label(event);
  encoded.kind = is_core_pmu(folder) ? EventKind::core : EventKind::device;
  encoded.attributes.size = sizeof(encoded.attributes);
  encoded.attributes.type = static_cast<std::uint32_t>(*number);
  TermEncoder encoder(folder, encoded);
  encoder.encode(terms, /*aliases_allowed=*/true);
  if (!encoder.error.empty()) return Refusal{event, fmt::format("PMU {}: {}", pmu, encoder.error)};
  apply_privileges(encoded, modifiers, code);
  encoded.encoded = describe(pmu, encoded.attributes, privileges(encoded.attributes));
  return encoded;
}

bool has_core_pmu(const SystemPaths& paths) {
  const auto names = file_names(paths.event_source);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return is_core_pmu(paths.event_source / name); });
}

std::vector<SysfsPmu> sysfs_pmus(const SystemPaths& paths) {
  std::vector<SysfsPmu> pmus;
  for (const std::string& name : file_names(paths.event_source)) {
    SysfsPmu pmu{name, {}};
    for (const std::string& event : file_names(paths.event_source / name / "events")) {
      if (is_event_file(event)) pmu.events.push_back(fmt::format("{}/{}/", name, event));
    }
    pmus.push_back(std::move(pmu));
  }
  return pmus;
}

}  // namespace shadowwalk::pmu
