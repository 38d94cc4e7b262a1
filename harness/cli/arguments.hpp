#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/lab/cell_request.hpp"

/// What the command lines of several verbs have in common.
namespace shadowwalk::cli {

inline constexpr std::string_view kStdout = "-";  ///< in place of a file's name

/// Adds --plugin FILE, repeatable, to a verb: each file is loaded as it is parsed, before the verb's callback runs.
/// Returns what was given, in order.
std::shared_ptr<const std::vector<std::string>> add_plugin_option(CLI::App& verb);
/// The same for a verb that loads the files itself.
std::shared_ptr<const std::vector<std::string>> add_plugin_files(CLI::App& verb);

/// `--plugin FILE` for each: what a command line needs to have the same variants again.
std::vector<std::string> plugin_arguments(const std::vector<std::string>& files);

/// Every variant and workload that is known now, plug-ins included.
KnownNames known_names();

/// Options of a cell as a command line gives them: texts by option key.
using CellTexts = std::map<std::string_view, std::string>;

/// Adds `--KEY` to a verb, which stores its text in `texts`. `fallback` is the default that --help shows.
CLI::Option* add_cell_option(CLI::App& verb, const CellOption& option, std::shared_ptr<CellTexts> texts,
                             const std::string& fallback);

/// give() for a verb's option; throws InputError that names the verb and the option if the value is wrong.
void take(CellRequest& request, std::string_view verb, const CellOption& option, const std::string& text,
          const KnownNames& known);

/// Throws InputError, one line, unless `file`, which `option` of a verb names, can be written. "-" and "" pass.
void check_output(std::string_view verb, std::string_view option, const std::string& file);

/// Writes what a verb puts out to such a file (os::OutputFile says how). "-" is stdout; "" writes nothing.
void write_output(const std::string& file, std::string_view text);

/// Has each numeric option of the command and its verbs take decimal digits only, without a sign, a base, a space or an
/// overflow that CLI11 would let pass, and has each flag refuse a value. Call it when all verbs are there.
void take_plain_values_only(CLI::App& command);

/// The complaint about a word that no verb or option is: with the name that it resembles. `app` is the verb that was
/// given, or the whole command.
std::string unknown_argument(const CLI::App& app, const std::string& word);

/// Where a file that ships with the command is (`matrices/quick.toml`, `reports`): in the installed share/shadowwalk
/// beside the executable's bin, else in the source tree that it was built from. Throws InputError that names both when
/// it is in neither.
std::filesystem::path find_data_file(const std::filesystem::path& name);
/// The folder of the kernel module's sources that holds its Makefile. Throws as find_data_file() does.
std::filesystem::path find_module_source();

}  // namespace shadowwalk::cli
