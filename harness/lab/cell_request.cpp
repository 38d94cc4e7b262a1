#include "harness/lab/cell_request.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/machine/error.hpp"
#include "harness/measure/pmu/event_list.hpp"
#include "harness/measure/pmu/misspelling.hpp"
#include "harness/os/printable.hpp"
#include "harness/replay/trace_guest.hpp"
#include "harness/text/duration.hpp"
#include "harness/text/json_reader.hpp"
#include "harness/text/suggestion.hpp"

namespace shadowwalk {
namespace {

using Kind = CellOption::Kind;
using Complaint = std::optional<std::string>;

Complaint check_name(std::string_view kind, std::string_view value, const std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), value) != names.end()) return std::nullopt;
  return fmt::format("unknown {} '{}'{} known: {}", kind, value, suggestion(value, names), fmt::join(names, " "));
}

/// What is wrong with a text that the row's own read() lets pass.
Complaint check_text(const CellOption& option, std::string_view text, const KnownNames* known) {
  switch (option.kind) {
    case Kind::variant:
      return known == nullptr ? std::nullopt : check_name("variant", text, known->variants);
    case Kind::workload:
      if (known == nullptr) return std::nullopt;
      if (is_file_or_trace(text) && known->check_workload_file) return known->check_workload_file(text);
      return check_name("workload", text, known->workloads);
    case Kind::events: {
      if (text == option.text(CellConfig())) return std::nullopt;
      auto wrong = pmu::event_list_error(text);
      if (!wrong) wrong = pmu::misspelt_event(text);
      return wrong ? Complaint(fmt::format("{} {}", option.key, *wrong)) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::string not_a_number(const CellOption& option, std::string_view value) {
  return fmt::format("{} is {}; it must be a whole number from {} to {}", option.key, value, option.minimum,
                     option.maximum);
}

std::string not_a_value(const CellOption& option, std::string_view text) {
  if (option.kind == Kind::time && option.accepted.empty()) {
    return fmt::format("{} is '{}'; it must be a time such as 2s, 500ms, 50us or 0, at most 24 hours", option.key,
                       text);
  }
  if (option.accepted.find('|') == option.accepted.npos) {
    return fmt::format("{} is '{}'; it must be {}", option.key, text.substr(0, 60), option.accepted);
  }
  std::string choices(option.accepted);
  std::replace(choices.begin(), choices.end(), '|', ' ');
  return fmt::format("{} is '{}'; it must be one of {}", option.key, text.substr(0, 60), choices);
}

/// A kernel goes by the name of its directory or package.
std::string kernel_name(const std::filesystem::path& kernel) {
  const std::filesystem::path file = kernel.has_filename() ? kernel : kernel.parent_path();
  return file.extension() == ".deb" ? file.stem().string() : file.filename().string();
}

}  // namespace

bool operator==(const CellRequest& a, const CellRequest& b) {
  return a.given == b.given && std::ranges::all_of(a.given, [&](std::string_view key) {
           const CellOption& option = *find_cell_option(key);
           return option.text(a.config) == option.text(b.config);
         });
}

Complaint give(CellRequest& request, const CellOption& option, std::string_view text, const KnownNames* known) {
  if (auto wrong = check_text(option, text, known)) return wrong;
  if (option.read != nullptr && option.read(request.config, text)) {
    request.given.insert(option.key);
    return std::nullopt;
  }
  std::int64_t number = 0;
  if (option.kind == Kind::time) {
    const auto time = parse_duration(text);
    if (!time) return not_a_value(option, text);
    number = time->count();
  } else if (option.kind == Kind::number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return not_a_number(option, text);
  } else {
    return not_a_value(option, text);
  }
  return give(request, option, number);
}

Complaint give(CellRequest& request, const CellOption& option, std::int64_t number) {
  if (option.store == nullptr) return not_a_value(option, std::to_string(number));
  if (option.kind == Kind::time && number < option.minimum) {
    return fmt::format("{} is '{}'; it must be {} at least", option.key,
                       exact_duration(std::chrono::nanoseconds(number)),
                       exact_duration(std::chrono::nanoseconds(option.minimum)));
  }
  if (option.kind == Kind::number && (number < option.minimum || number > option.maximum)) {
    return not_a_number(option, std::to_string(number));
  }
  option.store(request.config, number);
  request.given.insert(option.key);
  return std::nullopt;
}

std::vector<std::string> command_line(const CellRequest& request) {
  std::vector<std::string> arguments;
  for (const CellOption& option : cell_options()) {
    if (!request.has(option.key)) continue;
    arguments.push_back(fmt::format("--{}", option.key));
    arguments.push_back(option.text(request.config));
  }
  return arguments;
}

nlohmann::ordered_json to_json(const CellRequest& request) {
  auto document = nlohmann::ordered_json::object();
  for (const CellOption& option : cell_options()) {
    if (request.has(option.key)) document[std::string(option.key)] = option.in_plan(request.config);
  }
  return document;
}

CellRequest cell_request_from_json(const JsonValue& options) {
  CellRequest request;
  for (const auto& [key, value] : options.members()) {
    const CellOption* option = find_cell_option(key);
    if (option == nullptr) throw InputError(fmt::format("unknown option '{}'", os::printable(key, 60)));
    const Complaint wrong = value.is_text() ? give(request, *option, value.raw_text())
                                            : give(request, *option, value.number<std::int64_t>());
    if (wrong) throw InputError(*wrong);
  }
  return request;
}

std::string cell_name(const CellConfig& config, const std::vector<std::string_view>& more_keys,
                      std::string_view guest) {
  // A file goes by its stem: slashes part a name's fields.
  const auto stem = [](std::string_view file) { return std::filesystem::path(file).stem().string(); };
  const auto trace = replay::trace_file(config.workload);
  std::string name = fmt::format("{}/{}", config.variant, trace ? "trace:" + stem(*trace) : stem(config.workload));
  for (const CellOption& option : cell_options()) {
    if (option.required()) continue;
    const bool is_asked_for = option.always_named || std::ranges::find(more_keys, option.key) != more_keys.end();
    if (!is_asked_for && !(option.named_if_given && option.text(config) != option.text(CellConfig()))) continue;
    std::string label(option.label.empty() ? option.key : option.label);
    std::replace(label.begin(), label.end(), '-', '_');
    std::string value = option.text(config);
    if (option.key == "zap-rate" && trace) value = "trace";
    if (option.key == "kernel") value = kernel_name(value);
    if (option.key == "guest" && !guest.empty()) value = guest;
    name += fmt::format("/{}:{}", label, value);
  }
  return name;
}

bool is_file_or_trace(std::string_view workload) {
  return workload.find_first_of("./") != workload.npos || replay::trace_file(workload);
}

}  // namespace shadowwalk
