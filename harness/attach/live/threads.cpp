#include "harness/attach/live/threads.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

namespace shadowwalk::live {
namespace {

std::optional<unsigned> to_number(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct Thread {
  std::string role;
  unsigned number = 0;
  pid_t tid = 0;
};

Thread classify(std::string_view name, pid_t tid, pid_t pid) {
  for (const std::string_view role : {"vcpu", "zapper", "reclaim"}) {
    if (!name.starts_with(role) || name.substr(role.size(), 1) != "-") continue;
    if (const auto number = to_number(name.substr(role.size() + 1))) return {std::string(role), *number, tid};
  }
  return {tid == pid ? "main" : "other", 0, tid};
}

}  // namespace

std::map<std::string, std::vector<pid_t>> threads_by_role(pid_t pid) {
  std::vector<Thread> threads;
  std::error_code gone;
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
  for (std::filesystem::directory_iterator task(tasks, gone), end; !gone && task != end; task.increment(gone)) {
    std::string name;
    std::ifstream comm(task->path() / "comm");
    const auto tid = to_number(task->path().filename().string());
    if (tid && std::getline(comm, name)) threads.push_back(classify(name, static_cast<pid_t>(*tid), pid));
  }
  std::sort(threads.begin(), threads.end(),
            [](const Thread& a, const Thread& b) { return std::pair(a.number, a.tid) < std::pair(b.number, b.tid); });
  std::map<std::string, std::vector<pid_t>> roles;
  for (const Thread& thread : threads) roles[thread.role].push_back(thread.tid);
  return roles;
}

}  // namespace shadowwalk::live
