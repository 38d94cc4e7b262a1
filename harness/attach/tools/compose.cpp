#include "harness/attach/tools/compose.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/machine/error.hpp"

namespace shadowwalk::tools {
namespace {

/// What a probe contributes to the answer of a question.
struct Action {
  What what;
  const char* probe;
  std::vector<Role> roles;  ///< the roles whose threads fire it
  const char* action;
  bool only_if_asked = false;  ///< fires so often that tracing it dominates the cell: only with its --role
};

const std::vector<Action>& actions() {
  static const std::vector<Action> all = {
      {What::zaps, "zap__done", {Role::zapper}, "@zap_ns[comm] = hist(arg3); @pages_a_zap[comm] = hist(arg1);"},
      {What::zaps, "zap__empty", {Role::zapper}, "@zaps_empty[comm] = count();"},
      {What::frees, "page__retire", {Role::walker, Role::zapper}, "@pages_retired[comm] = count();"},
      {What::frees, "page__free", {Role::walker, Role::zapper, Role::reclaimer}, "@free_ns[comm] = hist(arg3);"},
      {What::locks, "commit__done", {Role::walker, Role::zapper}, "@commit_held_ns[comm] = hist(arg1);"},
      {What::locks, "zap__done", {Role::zapper}, "@zap_wait_and_hold_ns[comm] = hist(arg3);"},
      {What::locks, "fault", {Role::walker}, "@fault_wait_and_hold_ns[comm] = hist(arg2);", /*only_if_asked=*/true},
      {What::exits,
       "vcpu__exit",
       {Role::walker},
       "@exits[comm, arg1 == 0 ? \"interrupted\" : \"accesses\"] = count(); @accesses_an_exit[comm] = hist(arg1);"}};
  return all;
}

/// By the thread's name: inside a container bpftrace uses the host's thread ids, which nothing in the container knows.
std::string predicate(const Question& question) {
  if (!question.role) return "";
  const std::string prefix = fmt::format("{}-", thread_role(*question.role));
  return fmt::format(" /strncmp(comm, \"{}\", {}) == 0/", prefix, prefix.size());
}

using Argv = std::vector<std::string>;

/// Not a multiple of a zapper's rate: usual rates are round numbers.
constexpr const char* kSamplesPerSecond = "997";

InputError refusal(const Question& question, const std::string& why) {
  return InputError(fmt::format("attach: --what {}: {}", name_of(question.what), why));
}

class Composer {
 public:
  Composer(const Question& question, const Target& target, const HostCan& can)
      : question_(question), target_(target), can_(can) {}

  Command compose() {
    if (is_for_perf(question_.what)) {
      need(can_.perf);
      compose_perf();
    } else {
      compose_bpftrace();
    }
    if (question_.only_print) {
      const double seconds = std::chrono::duration<double>(question_.time).count();
      prepend({"timeout", "--foreground", "-s", "INT", fmt::format("{:g}", seconds)});
    }
    if (as_root_) prepend({"sudo"});
    return std::move(command_);
  }

 private:
  void need(const Lack& lack) {
    if (lack.why.empty()) return;
    if (!lack.root_mends || !question_.only_print) throw refusal(question_, lack.why);
    as_root_ = true;
  }

  /// The threads that the question names: never the main thread, which sleeps.
  std::vector<pid_t> tids() const {
    std::vector<pid_t> found;
    for (const Role role : {Role::walker, Role::zapper, Role::reclaimer}) {
      if (question_.role && role != *question_.role) continue;
      const auto threads = target_.threads.find(std::string(thread_role(role)));
      if (threads != target_.threads.end()) found.insert(found.end(), threads->second.begin(), threads->second.end());
    }
    return found;
  }

  std::vector<pid_t> some_tids() const {
    std::vector<pid_t> found = tids();
    if (!found.empty()) return found;
    if (!question_.role)
      throw refusal(question_, fmt::format("process {} has no threads of a cell", target_.process.pid));
    const char* why = *question_.role == Role::reclaimer ? ": its variant frees without RCU's thread" : "";
    throw InputError(fmt::format("attach: the cell of {} has no {}s{}", target_.run, name_of(*question_.role), why));
  }

  std::string file(std::string_view extension) const {
    const std::string name = fmt::format("{}-{}.{}", name_of(question_.what), target_.process.pid, extension);
    return (question_.directory / name).string();
  }

  void compose_perf() {
    switch (question_.what) {
      case What::sched:
        return compose_sched();
      case What::c2c:
        return compose_c2c();
      case What::kvm:
        return compose_kvm();
      default:
        return compose_cpu();
    }
  }

  void compose_cpu() {
    need(can_.sampling);
    const std::string event =
        fmt::format("{}{}", can_.cycles ? "cycles" : "cpu-clock", can_.kernel_side || as_root_ ? "" : ":u");
    if (!can_.cycles) command_.notes.push_back("no PMU here: perf samples by a timer (cpu-clock), not by cycles");
    if (!can_.kernel_side && !as_root_) command_.notes.push_back("user space only: perf_event_paranoid is 2");
    record({"perf", "record", "-g", "-F", kSamplesPerSecond, "-e", event}, threads_option());
    command_.read_by = "perf report -i";
  }

  void compose_sched() {
    need(can_.tracepoints);
    const std::vector<pid_t> threads = some_tids();
    const auto filter = [&](std::vector<std::string> fields) { return tracepoint_filter(fields, threads); };
    Argv words = {"perf", "record", "-e", "sched:sched_switch"};
    if (!can_.whole_host && !as_root_) {
      words.insert(words.end(), {"-e", "sched:sched_migrate_task"});
      record(words, threads_option());
      command_.notes.push_back("only switches away from the threads: the rest needs perf_event_paranoid 0");
      command_.read_by = "perf script -i";
      return;
    }
    // On all CPUs: the switch to a thread is recorded in the context of the thread that ran before.
    words.insert(words.end(), {"--filter", filter({"prev_pid", "next_pid"})});
    for (const char* event : {"sched:sched_wakeup", "sched:sched_migrate_task"}) {
      words.insert(words.end(), {"-e", event, "--filter", filter({"pid"})});
    }
    record(words, {"-a"});
    command_.read_by = "perf sched timehist -i";
  }

  void compose_c2c() {
    need(can_.memory_sampling);
    need(can_.sampling);
    command_.output = file("data");
    command_.words = {"perf", "c2c", "record", "-o", command_.output, "--", "-k", "CLOCK_MONOTONIC"};
    append(threads_option());
    append(control());
    command_.mark = mark("perf c2c record");
    command_.read_by = "perf c2c report -i";
  }

  void compose_kvm() {
    need(can_.kvm_tracepoints);
    if (!target_.has_kvm_vcpus) {
      throw refusal(question_,
                    "the cell runs thread guests, for which KVM does nothing; --what exits counts their exits");
    }
    Argv words = {"perf", "record"};
    for (const std::string& system : can_.kvm_systems) words.insert(words.end(), {"-e", system + ":*"});
    record(words, threads_option());
    command_.read_by = "perf script -i";
  }

  void compose_bpftrace() {
    if (question_.control) {
      throw refusal(question_,
                    "--next-measure needs a tool that can be switched, as perf for cpu, sched, c2c and kvm; "
                    "scripts/bpf/free_latency.bt separates windows by the probe `phase`");
    }
    if (target_.variant == "host-kvm" && question_.what != What::zaps) {
      throw refusal(question_,
                    "with --variant host-kvm it happens in the kernel, outside the lab's probes: --what kvm");
    }
    if (question_.role) some_tids();
    const std::string program = bpftrace_program(question_, target_);
    need(can_.bpftrace);
    command_.words = {"bpftrace", "-p", fmt::format("{}", target_.process.pid)};
    if (!question_.directory.empty()) {
      command_.output = file("txt");
      command_.read_by = "cat";
      append({"-o", command_.output});
    }
    append({"-e", program});
    command_.mark = mark("bpftrace");
  }

  /// `perf record` with the options that all recordings share.
  void record(Argv words, const Argv& where) {
    command_.output = file("data");
    command_.mark = mark("perf record");
    command_.words = std::move(words);
    // The result gives its window by the same clock: `perf report --time` selects exactly the window.
    append({"-k", "CLOCK_MONOTONIC"});
    append(where);
    append(control());
    append({"-o", command_.output});
  }

  Argv threads_option() const { return {"-t", fmt::format("{}", fmt::join(some_tids(), ","))}; }
  Argv control() const { return question_.control ? Argv{"--delay=-1", *question_.control} : Argv{}; }
  std::string mark(std::string_view tool) const {
    const std::string role = question_.role ? fmt::format(" --role {}", name_of(*question_.role)) : std::string();
    return fmt::format("{} (attach --what {}{})", tool, name_of(question_.what), role);
  }

  void append(const Argv& words) { command_.words.insert(command_.words.end(), words.begin(), words.end()); }
  void prepend(const Argv& words) { command_.words.insert(command_.words.begin(), words.begin(), words.end()); }

  const Question& question_;
  const Target& target_;
  const HostCan& can_;
  Command command_;
  bool as_root_ = false;
};

}  // namespace

std::string bpftrace_program(const Question& question, const Target& target) {
  std::string probes;
  for (const Action& action : actions()) {
    if (action.what != question.what) continue;
    const bool has_part =
        !question.role || std::find(action.roles.begin(), action.roles.end(), *question.role) != action.roles.end();
    if (!has_part || (action.only_if_asked && !question.role)) continue;
    // Not the path: it may contain characters that bpftrace's grammar does not accept.
    probes += fmt::format(" usdt:/proc/{}/exe:shadowwalk:{}{} {{ {} }}", target.process.pid, action.probe,
                          predicate(question), action.action);
  }
  if (probes.empty()) {
    throw InputError(fmt::format("attach: --what {}: {}s have no part in it; leave --role out", name_of(question.what),
                                 name_of(*question.role)));
  }
  // BEGIN runs when all probes are attached: a cell that is held may then continue.
  return fmt::format("BEGIN {{ printf(\"{}\\n\"); }}{}", kAttached, probes);
}

Command compose(const Question& question, const Target& target, const HostCan& can) {
  return Composer(question, target, can).compose();
}

std::string tracepoint_filter(const std::vector<std::string>& fields, std::vector<pid_t> tids) {
  constexpr std::size_t kMostBytes = 4000;  // ftrace_profile_set_filter() takes less than a page
  std::ranges::sort(tids);
  for (pid_t joined = 1;; joined *= 2) {
    std::vector<std::pair<pid_t, pid_t>> ranges;
    for (const pid_t tid : tids) {
      if (!ranges.empty() && tid - ranges.back().second <= joined) {
        ranges.back().second = tid;
      } else {
        ranges.emplace_back(tid, tid);
      }
    }
    std::vector<std::string> terms;
    for (const auto& [first, last] : ranges) {
      for (const std::string& field : fields) {
        if (last - first < 2) {
          for (const pid_t tid : std::set{first, last}) terms.push_back(fmt::format("{} == {}", field, tid));
        } else {
          terms.push_back(fmt::format("({0} >= {1} && {0} <= {2})", field, first, last));
        }
      }
    }
    std::string filter = fmt::to_string(fmt::join(terms, " || "));
    if (filter.size() <= kMostBytes || ranges.size() == 1) return filter;
  }
}

}  // namespace shadowwalk::tools
