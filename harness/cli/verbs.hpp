#pragma once

#include <CLI/CLI.hpp>

/// One function a verb: each adds its subcommand, with its options and what it does, to the command.
namespace shadowwalk::cli {

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
