#pragma once

#include <CLI/CLI.hpp>
#include <span>

#include "harness/doctor/live_facts.hpp"

/// One function per verb: each adds its subcommand, with its options and what it does, to the command.
namespace shadowwalk::cli {

void add_attach(CLI::App& command);
void add_cell(CLI::App& command);
void add_doctor(CLI::App& command);
void add_import(CLI::App& command);
void add_kernel(CLI::App& command);
void add_list(CLI::App& command);
void add_ps(CLI::App& command);
void add_project(CLI::App& command);
void add_record(CLI::App& command);
void add_run(CLI::App& command);
void add_top(CLI::App& command);
void add_verify(CLI::App& command);

/// What is there for cells in a kernel, with the module's source and the kernels where they ship: for `kernel` and
/// `doctor`.
doctor::LiveFacts::KernelCells observe_kernel_cells();

/// `report` and `compare`, for the list of verbs: the Python package shadowwalk_report has their options.
void add_python_verbs(CLI::App& command);

/// If the first word is one of those verbs, becomes its Python program, with all other words untouched, so that its
/// output, exit code and signals are ours; else returns. Python says itself which Debian package to install when one of
/// its modules is missing. Throws InputError when the package is not where it should be or Python does not start.
void run_python_verb(std::span<char* const> arguments);

}  // namespace shadowwalk::cli
