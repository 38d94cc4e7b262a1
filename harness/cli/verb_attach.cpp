#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "harness/attach/live/live_runs.hpp"
#include "harness/attach/tools/attach.hpp"
#include "harness/attach/tools/question.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/notice.hpp"
#include "harness/os/program.hpp"
#include "harness/text/duration.hpp"

namespace shadowwalk::cli {
namespace {

struct AttachArguments {
  std::string run;
  std::string what;
  std::string role;
  std::string time = "10s";
  std::string out;
  bool print = false;
  bool next_measure = false;
};

tools::Question question_from(const AttachArguments& arguments) {
  tools::Question question;
  question.what = tools::parse_what(arguments.what);
  if (!arguments.role.empty()) question.role = tools::parse_role(arguments.role);
  const auto time = parse_duration(arguments.time);
  if (!time || *time < std::chrono::milliseconds(1)) {
    throw InputError(
        fmt::format("attach: --for is '{}'; it must be a time such as 10s, from 1ms to 86400s", arguments.time));
  }
  question.time = *time;
  question.directory = arguments.out;
  question.only_print = arguments.print;
  return question;
}

void print_command(const tools::Question& question, const tools::Target& target, const tools::HostCan& can) {
  const tools::Command command = tools::compose(question, target, can);
  for (const std::string& note : command.notes) os::notice(note);
  fmt::print("{}\n", os::shell_line(command.words));
}

bool attach(const AttachArguments& arguments) {
  const tools::Question question = question_from(arguments);
  // The cheaper question first: is there such a run?
  const live::LiveRun run = live::choose_run("attach", live::live_runs(), arguments.run);
  const tools::HostCan can = tools::host_can({doctor::HostFiles(), doctor::observe_live_facts()});
  if (arguments.next_measure) return tools::attach_to_next_window(question, run.id, can);
  const tools::Target target = tools::find_target(run.id);
  if (!arguments.print) return tools::attach_for_a_time(question, target, can);
  print_command(question, target, can);
  return true;
}

}  // namespace

void add_attach(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("attach", "Look into a live run with the right command of perf or bpftrace");
  auto arguments = std::make_shared<AttachArguments>();
  verb->add_option("run", arguments->run, "Id, as `shadowwalk ps` shows it; may be left out if only one run is live")
      ->type_name("RUN");
  verb->add_option("--what", arguments->what, "What to look at: cpu, zaps, frees, locks, exits, sched, c2c or kvm")
      ->required()
      ->type_name("WHAT");
  verb->add_option("--role", arguments->role, "Only the threads of this role: walker, zapper or reclaimer")
      ->type_name("ROLE");
  CLI::Option* time =
      verb->add_option("--for", arguments->time, "How long, from when the tool is on; ends earlier if the cell does")
          ->type_name("TIME")
          ->capture_default_str();
  verb->add_option("--out", arguments->out,
                   "Directory for what perf records (default: the current one); bpftrace then writes there, too")
      ->type_name("DIR");
  CLI::Option* print = verb->add_flag("--print", arguments->print, "Print the command for pasting; run nothing");
  verb->add_flag("--next-measure", arguments->next_measure,
                 "Record the next measured window and nothing else (perf only)")
      ->excludes(print)
      ->excludes(time);
  verb->footer(
      "  cpu    where threads spend their time          perf record -g\n"
      "  zaps   zap latency, pages per zap              bpftrace, probes of the lab\n"
      "  frees  from unlink to free                     bpftrace\n"
      "  locks  mmu_lock: hold and wait times           bpftrace\n"
      "  exits  guest exits, by reason                  bpftrace\n"
      "  sched  when threads run, and what preempts     perf record, then perf sched timehist\n"
      "  c2c    cache lines that move between CPUs      perf c2c\n"
      "  kvm    kvm:* and kvmmmu:* tracepoints          perf record\n"
      "The cell's result is marked `perturbed` and excluded from verdicts (docs/attach.md).\n"
      "Exit codes: 0 done, 1 the tool failed, 2 impossible here: one line says what is missing.");
  verb->callback([arguments] {
    if (!attach(*arguments)) throw CLI::RuntimeError{1};
  });
}

}  // namespace shadowwalk::cli
