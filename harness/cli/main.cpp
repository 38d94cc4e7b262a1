#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "harness/cli/arguments.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/host_kvm/host_kvm.hpp"
#include "harness/kernel/kernel_cell.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/printable.hpp"
#include "harness/os/program.hpp"

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
    "  shadowwalk doctor                      what this host can measure, and how to fix what it cannot\n"
    "  shadowwalk cell --variant hazard --workload mmio-poll --json -    one cell\n"
    "`shadowwalk help VERB` shows the options of a verb. An option that is given twice takes the last value.\n"
    "Exit codes: 0 done, 1 a cell or a gate failed, 2 bad input (one line on stderr says what).";

/// Prints one line; what the message quotes may be anything. Where even stderr cannot be written, the exit code alone
/// is left.
int complain(std::string message, int exit_code) {
  std::fflush(stdout);
  const std::string line = fmt::format("shadowwalk: {}\n", shadowwalk::os::error_line(std::move(message)));
  std::fwrite(line.data(), 1, line.size(), stderr);
  return exit_code;
}

/// A descriptor that the caller closed must not become that of the next file that is opened. What is written to a
/// closed stdout fails, as it would; messages for a closed stderr go nowhere.
void open_closed_descriptors() {
  for (const auto& [fd, mode] :
       {std::pair{STDIN_FILENO, O_RDONLY}, {STDOUT_FILENO, O_RDONLY}, {STDERR_FILENO, O_WRONLY}}) {
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) open("/dev/null", mode);  // takes the lowest number that is free
  }
}

/// The exit code of a verb that ended with `exit_code`, once all that it printed has reached stdout.
int flushed(int exit_code) {
  const bool failed_before = std::ferror(stdout) != 0;
  if (std::fflush(stdout) == 0 && !failed_before) return exit_code;
  return complain(fmt::format("cannot write to stdout: {}; what was printed is not complete",
                              failed_before ? "an earlier write failed" : std::strerror(errno)),
                  kBadInput);
}

/// The verb that was given, or the verb's own (`list variants`); the command if there is none.
const CLI::App& chosen(const CLI::App& command) {
  const CLI::App* app = &command;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

/// CLI11's own errors: an unknown option, a value of the wrong type, a missing verb.
int complain_about_arguments(const CLI::App& command, const CLI::ParseError& error) {
  const CLI::App& app = chosen(command);
  std::string what = error.what();
  const auto kind = static_cast<CLI::ExitCodes>(error.get_exit_code());
  if (kind == CLI::ExitCodes::ExtrasError ||
      kind == CLI::ExitCodes::RequiredError) {  // what is missing may be misspelt
    for (const std::string& word : command.remaining(true)) {
      if (word.starts_with("--benchmark_")) continue;
      what = shadowwalk::cli::unknown_argument(app, word);
      break;
    }
  }
  if (!what.ends_with(';')) what += ';';
  std::string verb;
  for (const CLI::App* given = &app; given != &command; given = given->get_parent()) {
    verb = " " + given->get_name() + verb;
  }
  return complain(fmt::format("{} try 'shadowwalk{} --help'", what, verb), kBadInput);
}

/// `help VERB ...` as `VERB ... --help`. Throws InputError if there is no such verb.
std::vector<char*> without_help_verb(const CLI::App& command, std::span<char*> arguments) {
  static char help[] = "--help";
  std::vector<char*> words(arguments.begin(), arguments.end());
  if (words.size() < 2 || words[1] != std::string_view("help")) return words;
  words.erase(words.begin() + 1);
  const auto is_meant = [&](const CLI::App* verb) { return verb->get_name() == words[1]; };
  if (words.size() > 1 && command.get_subcommands(is_meant).empty()) {
    throw shadowwalk::InputError(shadowwalk::cli::unknown_argument(command, words[1]) + " try 'shadowwalk --help'");
  }
  words.push_back(help);
  return words;
}

void add_verbs(CLI::App& command) {
  shadowwalk::cli::add_run(command);
  shadowwalk::cli::add_python_verbs(command);
  shadowwalk::cli::add_cell(command);
  shadowwalk::cli::add_ps(command);
  shadowwalk::cli::add_top(command);
  shadowwalk::cli::add_attach(command);
  shadowwalk::cli::add_verify(command);
  shadowwalk::cli::add_project(command);
  shadowwalk::cli::add_kernel(command);
  shadowwalk::cli::add_list(command);
  shadowwalk::cli::add_doctor(command);
  shadowwalk::cli::add_import(command);
  shadowwalk::cli::add_record(command);
  shadowwalk::cli::take_plain_values_only(command);
}

int run(int argc, char** argv) {
  shadowwalk::host_kvm::add_host_kvm(shadowwalk::Registry::instance());
  shadowwalk::kernel::add_kernel_machine();
  CLI::App command{kDescription, "shadowwalk"};
  command.set_version_flag("-V,--version", "shadowwalk " SHADOWWALK_VERSION);
  command.footer(kFooter);
  command.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  command.require_subcommand(0, 1);  // at most one: a file may be named like a verb
  add_verbs(command);
  try {
    const std::vector<char*> words = without_help_verb(command, std::span(argv, static_cast<std::size_t>(argc)));
    shadowwalk::cli::run_python_verb(std::span(words).subspan(1));
    command.parse(static_cast<int>(words.size()), words.data());
    if (command.get_subcommands().empty()) {
      std::string verbs;
      for (const CLI::App* verb : command.get_subcommands(nullptr)) verbs += " " + verb->get_name();
      return complain(fmt::format("a verb is missing; known:{}; try 'shadowwalk --help'", verbs), kBadInput);
    }
    return 0;
  } catch (const CLI::RuntimeError& exit) {  // how a verb ends with an exit code of its own
    return exit.get_exit_code();
  } catch (const CLI::Success& help_or_version) {
    return command.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    return complain_about_arguments(command, error);
  } catch (const shadowwalk::InputError& error) {
    return complain(error.what(), kBadInput);
  } catch (const std::system_error& error) {
    const bool none_started = error.code() == std::errc::resource_unavailable_try_again;
    return complain(none_started ? shadowwalk::os::why_not_started(error.code()) : error.what(), kFailed);
  } catch (const std::exception& error) {
    if (std::ferror(stdout) != 0) return kFailed;  // fmt::print() could not write: flushed() says so
    return complain(error.what(), kFailed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit must end in a message, as a full disk does
  open_closed_descriptors();
  return flushed(run(argc, argv));
}
