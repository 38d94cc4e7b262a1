#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace shadowwalk::cli {

/// Adds --plugin FILE, repeatable, to a verb: each file is loaded as it is parsed, before the verb's callback runs.
/// Returns what was given, in order.
std::shared_ptr<const std::vector<std::string>> add_plugin_option(CLI::App& verb);

/// " --plugin FILE" for each: what a command line that runs again something of them needs.
std::string plugin_arguments(const std::vector<std::string>& files);

}  // namespace shadowwalk::cli
