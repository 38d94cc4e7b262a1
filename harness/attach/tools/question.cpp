#include "harness/attach/tools/question.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>

#include "harness/machine/error.hpp"
#include "harness/text/suggestion.hpp"

namespace shadowwalk::tools {
namespace {

constexpr std::array<std::pair<What, std::string_view>, 8> kWhats = {{{What::cpu, "cpu"},
                                                                      {What::zaps, "zaps"},
                                                                      {What::frees, "frees"},
                                                                      {What::locks, "locks"},
                                                                      {What::exits, "exits"},
                                                                      {What::sched, "sched"},
                                                                      {What::c2c, "c2c"},
                                                                      {What::kvm, "kvm"}}};
constexpr std::array<std::pair<Role, std::string_view>, 3> kRoles = {
    {{Role::walker, "walker"}, {Role::zapper, "zapper"}, {Role::reclaimer, "reclaimer"}}};

template <class Table, class Value>
std::string_view name_in(const Table& table, Value value) {
  for (const auto& [candidate, name] : table) {
    if (candidate == value) return name;
  }
  return "";
}

template <class Table>
auto value_in(const Table& table, const std::string& word, std::string_view option) {
  std::vector<std::string> names;
  for (const auto& [value, name] : table) {
    if (name == word) return value;
    names.emplace_back(name);
  }
  throw InputError(fmt::format("attach: unknown {} '{}'{} there are: {}", option, word, suggestion(word, names),
                               fmt::join(names, ", ")));
}

}  // namespace

std::string_view name_of(What what) { return name_in(kWhats, what); }
std::string_view name_of(Role role) { return name_in(kRoles, role); }
What parse_what(const std::string& word) { return value_in(kWhats, word, "--what"); }
Role parse_role(const std::string& word) { return value_in(kRoles, word, "--role"); }

std::string_view thread_role(Role role) {
  if (role == Role::walker) return "vcpu";
  return role == Role::zapper ? "zapper" : "reclaim";
}

bool is_for_perf(What what) {
  return what == What::cpu || what == What::sched || what == What::c2c || what == What::kvm;
}

}  // namespace shadowwalk::tools
