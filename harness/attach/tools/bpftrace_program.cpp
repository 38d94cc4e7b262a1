#include "harness/attach/tools/bpftrace_program.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "harness/machine/error.hpp"

namespace shadowwalk::tools {
namespace {

struct Action {
  const char* probe;
  std::vector<Role> roles;  ///< whose threads fire it
  const char* action;
  bool only_if_asked = false;  ///< fires so often that the cell does little else under it: only with its --role
};

const std::vector<Action>& actions(What what) {
  static const std::vector<Action> zaps = {
      {"zap__done", {Role::zapper}, "@zap_ns[comm] = hist(arg3); @pages_a_zap[comm] = hist(arg1);"},
      {"zap__empty", {Role::zapper}, "@zaps_empty[comm] = count();"}};
  static const std::vector<Action> frees = {
      {"page__retire", {Role::walker, Role::zapper}, "@pages_retired[comm] = count();"},
      {"page__free", {Role::walker, Role::zapper, Role::reclaimer}, "@free_ns[comm] = hist(arg3);"}};
  static const std::vector<Action> locks = {
      {"commit__done", {Role::walker, Role::zapper}, "@commit_held_ns[comm] = hist(arg1);"},
      {"zap__done", {Role::zapper}, "@zap_wait_and_hold_ns[comm] = hist(arg3);"},
      {"fault", {Role::walker}, "@fault_wait_and_hold_ns[comm] = hist(arg2);", /*only_if_asked=*/true}};
  static const std::vector<Action> exits = {
      {"vcpu__exit",
       {Role::walker},
       "@exits[comm, arg1 == 0 ? \"interrupted\" : \"accesses\"] = count(); @accesses_an_exit[comm] = hist(arg1);"}};
  switch (what) {
    case What::zaps:
      return zaps;
    case What::frees:
      return frees;
    case What::locks:
      return locks;
    default:
      return exits;
  }
}

/// By the thread's name: inside a container bpftrace counts tids as the host does, and no one else.
std::string predicate(const Question& question) {
  if (!question.role) return "";
  const std::string prefix = fmt::format("{}-", thread_role(*question.role));
  return fmt::format(" /strncmp(comm, \"{}\", {}) == 0/", prefix, prefix.size());
}

}  // namespace

std::string bpftrace_program(const Question& question, const Target& target) {
  std::string probes;
  for (const Action& action : actions(question.what)) {
    const bool has_part =
        !question.role || std::find(action.roles.begin(), action.roles.end(), *question.role) != action.roles.end();
    if (!has_part || (action.only_if_asked && !question.role)) continue;
    // Not the path: it may hold what bpftrace's grammar does not take.
    probes += fmt::format(" usdt:/proc/{}/exe:shadowwalk:{}{} {{ {} }}", target.pid, action.probe, predicate(question),
                          action.action);
  }
  if (probes.empty()) {
    throw InputError(fmt::format("attach: --what {}: {}s have no part in it; leave --role out", name_of(question.what),
                                 name_of(*question.role)));
  }
  // BEGIN comes when all others are attached: a cell that is held may go on then.
  return "BEGIN { printf(\"attached\\n\"); }" + probes;
}

}  // namespace shadowwalk::tools
