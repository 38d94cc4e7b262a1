#pragma once

#include <CLI/CLI.hpp>
#include <string_view>

/// One function a verb: each adds its subcommand, with its options and what it does, to the command.
namespace shadowwalk::cli {

inline constexpr std::string_view kStdout = "-";  ///< in place of a file's name

void add_attach(CLI::App& command);
void add_cell(CLI::App& command);
void add_compare(CLI::App& command);
void add_doctor(CLI::App& command);
void add_import(CLI::App& command);
void add_list(CLI::App& command);
void add_ps(CLI::App& command);
void add_project(CLI::App& command);
void add_record(CLI::App& command);
void add_run(CLI::App& command);
void add_report(CLI::App& command);
void add_top(CLI::App& command);
void add_verify(CLI::App& command);

}  // namespace shadowwalk::cli
