#include "harness/cli/arguments.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <system_error>
#include <type_traits>

#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
#include "harness/os/printable.hpp"
#include "harness/plugin/load_plugin.hpp"
#include "harness/replay/trace_guest.hpp"
#include "harness/text/duration.hpp"
#include "harness/text/suggestion.hpp"
#include "harness/trace/trace_reader.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::cli {
namespace {

std::optional<std::string> wrong_with_workload_file(std::string_view file) {
  if (os::printable(file) != file) {
    return fmt::format("'{}': results could not name it, since it is no UTF-8 or holds control characters; rename it",
                       os::printable(file));
  }
  try {
    if (const auto trace = replay::trace_file(file)) {
      trace::TraceReader{std::filesystem::path(*trace)};
    } else {
      load_workload(file);
    }
    return std::nullopt;
  } catch (const InputError& error) {
    return error.what();
  }
}

/// The words that `app` knows where `word` stands: its options, or its verbs.
std::vector<std::string> known_words(const CLI::App& app, bool options) {
  std::vector<std::string> words;
  if (options) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
    }
  } else {
    for (const CLI::App* verb : app.get_subcommands(nullptr)) words.push_back(verb->get_name());
  }
  return words;
}

/// Adds --plugin FILE, and calls `act` with each file as it is parsed.
std::shared_ptr<const std::vector<std::string>> add_plugins(CLI::App& verb, void (*act)(const std::string& file)) {
  auto given = std::make_shared<std::vector<std::string>>();
  verb.add_option_function<std::vector<std::string>>(
          "--plugin",
          [given, act](const std::vector<std::string>& files) {
            for (const std::string& file : files) act(file);
            *given = files;
          },
          "A module with variants of your own, beside those that ship; may be given several times "
          "(docs/writing-a-variant.md)")
      ->type_name("FILE.so")
      ->allow_extra_args(false);
  return given;
}

template <class Number>
bool is_plain(const std::string& text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(number)) return false;
  }
  return error == std::errc() && end == text.data() + text.size();
}

/// By the type that CLI11 names in --help.
void take_plain_number(CLI::Option& option) {
  const auto check = [&option](bool (*is_plain)(const std::string&), const char* what) {
    option.check([is_plain, what](const std::string& text) {
      return is_plain(text) ? std::string() : fmt::format("'{}' is no {}", text, what);
    });
  };
  const std::string type = option.get_type_name();
  if (type.find("UINT") != std::string::npos) {
    check(is_plain<std::uint64_t>, "whole number from 0 to 2^64 - 1");
  } else if (type.find("INT") != std::string::npos) {
    check(is_plain<std::int64_t>, "whole number of 64 bits");
  } else if (type.find("FLOAT") != std::string::npos) {
    check(is_plain<double>, "finite decimal number");
  }
}

}  // namespace

void take_plain_values_only(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    if (option->get_items_expected_max() == 0) {
      option->check([](const std::string& value) { return value == "true" ? std::string() : "takes no value"; });
    } else {
      take_plain_number(*option);
    }
  }
  for (CLI::App* verb : command.get_subcommands(nullptr)) take_plain_values_only(*verb);
}

std::shared_ptr<const std::vector<std::string>> add_plugin_option(CLI::App& verb) {
  return add_plugins(verb, [](const std::string& file) { plugin::load_plugin(file); });
}

std::shared_ptr<const std::vector<std::string>> add_plugin_files(CLI::App& verb) {
  return add_plugins(verb, [](const std::string&) {});
}

std::vector<std::string> plugin_arguments(const std::vector<std::string>& files) {
  std::vector<std::string> arguments;
  for (const std::string& file : files) arguments.insert(arguments.end(), {"--plugin", file});
  return arguments;
}

KnownNames known_names() {
  KnownNames known;
  for (const VariantEntry& entry : Registry::instance().entries()) {
    known.variants.emplace_back(entry.info.name);
    if (entry.is_reference()) continue;  // compared with nothing
    if (entry.info.safe) known.variant_groups["all"].emplace_back(entry.info.name);
    known.variant_groups[std::string(to_string(entry.info.family))].emplace_back(entry.info.name);
  }
  for (const std::string& variant : known.variants) known.variant_groups.erase(variant);  // whose name goes first
  for (const Workload& workload : workloads()) known.workloads.emplace_back(workload.name);
  known.check_workload_file = wrong_with_workload_file;
  return known;
}

CLI::Option* add_cell_option(CLI::App& verb, const CellOption& option, std::shared_ptr<CellTexts> texts,
                             const std::string& fallback) {
  std::string help(option.help);
  if (option.kind == CellOption::Kind::number && option.maximum != INT64_MAX) {
    help += fmt::format(" ({} to {})", option.minimum, option.maximum);
  }
  if (option.kind == CellOption::Kind::time && option.minimum > 1) {
    help += fmt::format(" ({} or longer)", exact_duration(std::chrono::nanoseconds(option.minimum)));
  }
  CLI::Option* added = verb.add_option_function<std::string>(
      fmt::format("--{}", option.key), [texts, key = option.key](const std::string& text) { (*texts)[key] = text; },
      help);
  added->type_name("");
  if (!fallback.empty()) added->default_str(fallback);
  return added;
}

void take(CellRequest& request, std::string_view verb, const CellOption& option, const std::string& text,
          const KnownNames& known) {
  const auto wrong = give(request, option, text, &known);
  if (!wrong) return;
  // "vcpus is 0; ..." reads as the option it is about; "unknown variant ..." stands as it is.
  throw InputError(fmt::format("{}: {}{}", verb, wrong->starts_with(option.key) ? "--" : "", *wrong));
}

void check_output(std::string_view verb, std::string_view option, const std::string& file) {
  if (file.empty() || file == kStdout) return;
  try {
    os::require_writable(file);
  } catch (const InputError& cannot) {
    throw InputError(fmt::format("{}: {}: {}", verb, option, cannot.what()));
  }
}

void write_output(const std::string& file, std::string_view text) {
  if (file == kStdout) {
    std::fwrite(text.data(), 1, text.size(), stdout);
  } else if (!file.empty()) {
    os::write_file(file, text);
  }
}

std::string unknown_argument(const CLI::App& app, const std::string& word) {
  const bool is_option = word.starts_with("-");
  const std::vector<std::string> known = known_words(app, is_option);
  const std::string name = word.substr(0, is_option ? word.find('=') : word.npos);
  const bool is_command = app.get_parent() == nullptr;
  if (is_option || known.empty()) {
    return fmt::format("{}{} '{}'{}", is_command ? "" : app.get_name() + ": ",
                       is_option ? "unknown option" : "unexpected argument", name, suggestion(name, known));
  }
  return fmt::format("{} '{}'{} known: {};", is_command ? "unknown verb" : app.get_name() + ": unknown", name,
                     suggestion(name, known), fmt::join(known, " "));
}

std::filesystem::path find_data_file(const std::filesystem::path& name) {
  std::error_code error;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto installed = executable.parent_path().parent_path() / SHADOWWALK_DATA_DIR / name;
  if (!error && std::filesystem::exists(installed, error)) return installed;
  const auto source = std::filesystem::path{SHADOWWALK_SOURCE_DIR} / name;
  if (std::filesystem::exists(source, error)) return source;
  throw InputError{fmt::format("{} is neither at {} nor at {}; install shadowwalk again", name.string(),
                               installed.string(), source.string())};
}

std::filesystem::path find_module_source() { return find_data_file("harness/kernel/module/Makefile").parent_path(); }

}  // namespace shadowwalk::cli
