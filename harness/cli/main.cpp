#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "harness/cli/verbs.hpp"
#include "harness/host_kvm/host_kvm.hpp"
#include "harness/machine/error.hpp"

namespace {

constexpr int kFailed = 1;
constexpr int kBadInput = 2;

constexpr const char* kDescription =
    "shadowwalk measures when memory that lockless page-table walkers may still read can be freed,\n"
    "and what each way to know it costs: under real KVM guests, or threads where there is no KVM.";

constexpr const char* kFooter =
    "First steps:\n"
    "  shadowwalk run --out results/first     a matrix of two minutes, safe to interrupt\n"
    "  shadowwalk report results/first        its report: results/first/report/index.html\n"
    "  shadowwalk doctor                      what this host can measure, and what would mend what it cannot\n"
    "  shadowwalk cell --variant hazard --workload mmio-poll --json -    one cell\n"
    "Exit codes: 0 done, 1 a cell or a gate failed, 2 bad input (one line on stderr says what).";

int complain(std::string message, int exit_code) {
  std::fflush(stdout);
  std::replace(message.begin(), message.end(), '\n', ' ');
  fmt::print(stderr, "shadowwalk: {}\n", message);
  return exit_code;
}

/// CLI11's own errors: an unknown option, a value of the wrong type, a missing verb.
int complain_about_arguments(const CLI::App& command, const CLI::ParseError& error) {
  std::string verb;
  for (const CLI::App* chosen : command.get_subcommands()) verb = " " + chosen->get_name();
  return complain(fmt::format("{}; try 'shadowwalk{} --help'", error.what(), verb), kBadInput);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit shall end in a message, as a full disk does
  shadowwalk::host_kvm::add_host_kvm(shadowwalk::Registry::instance());
  CLI::App command{kDescription, "shadowwalk"};
  command.set_version_flag("--version", "shadowwalk " SHADOWWALK_VERSION);
  command.footer(kFooter);
  shadowwalk::cli::add_run(command);
  shadowwalk::cli::add_report(command);
  shadowwalk::cli::add_compare(command);
  shadowwalk::cli::add_cell(command);
  shadowwalk::cli::add_ps(command);
  shadowwalk::cli::add_top(command);
  shadowwalk::cli::add_attach(command);
  shadowwalk::cli::add_verify(command);
  shadowwalk::cli::add_project(command);
  shadowwalk::cli::add_list(command);
  shadowwalk::cli::add_doctor(command);
  shadowwalk::cli::add_import(command);
  shadowwalk::cli::add_record(command);
  try {
    command.parse(argc, argv);
    // Not CLI11's require_subcommand: for a misspelt verb it says that none was given.
    if (command.get_subcommands().empty())
      throw CLI::RequiredError(
          "A verb (run, report, compare, cell, ps, top, attach, verify, project, list, doctor, import or record)");
    return 0;
  } catch (const CLI::RuntimeError& exit) {  // how a verb ends with an exit code of its own
    return exit.get_exit_code();
  } catch (const CLI::Success& help_or_version) {
    return command.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    return complain_about_arguments(command, error);
  } catch (const shadowwalk::InputError& error) {
    return complain(error.what(), kBadInput);
  } catch (const std::exception& error) {
    return complain(error.what(), kFailed);
  }
}
