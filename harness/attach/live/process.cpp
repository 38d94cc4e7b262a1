#include "harness/attach/live/process.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "harness/machine/error.hpp"

namespace shadowwalk::live {
namespace {

struct Stat {
  char state = 'X';
  pid_t parent = 0;
  std::uint64_t start = 0;
};

/// Without a free file descriptor /proc says nothing, which must not be taken for a process that is gone.
void throw_if_none_is_free(int error) {
  if (error != EMFILE && error != ENFILE) return;
  throw InputError(fmt::format("cannot read /proc: {}; `ulimit -n` raises the limit", std::strerror(error)));
}

/// /proc/PID/stat: the name, second of its fields, may hold anything, brackets too.
std::optional<Stat> read_stat(pid_t pid) {
  errno = 0;
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  if (!file.is_open()) throw_if_none_is_free(errno);
  std::string text;
  if (!std::getline(file, text, '\0')) return std::nullopt;
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  Stat stat;
  fields >> stat.state >> stat.parent;
  constexpr int kStart = 22;
  std::string skipped;
  for (int field = 5; field < kStart; ++field) fields >> skipped;
  if (!(fields >> stat.start)) return std::nullopt;
  return stat;
}

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

struct Thread {
  std::string role;
  unsigned number = 0;
  pid_t tid = 0;
};

Thread classify(std::string_view name, pid_t tid, pid_t pid) {
  for (const std::string_view role : {"vcpu", "zapper", "reclaim"}) {
    if (!name.starts_with(role) || name.substr(role.size(), 1) != "-") continue;
    unsigned number = 0;
    if (parse(name.substr(role.size() + 1), number)) return {std::string(role), number, tid};
  }
  return {tid == pid ? "main" : "other", 0, tid};
}

}  // namespace

std::optional<Process> process_of(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
  return Process{pid, stat->start};
}

Process this_process() {
  try {
    return process_of(getpid()).value_or(Process{getpid(), 0});
  } catch (const InputError&) {
    return Process{getpid(), 0};
  }
}

std::optional<HeldProcess> HeldProcess::hold(const Process& process) {
  if (process.pid <= 0) return std::nullopt;
  // First: whichever process it opens, it is the one with this start time if the latter is found afterwards.
  os::FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)));
  if (process_of(process.pid) != process) return std::nullopt;
  return HeldProcess(process, std::move(pidfd));
}

bool HeldProcess::is_running() const {
  if (!pidfd_.is_open()) return process_of(process_.pid) == process_;
  pollfd ended{pidfd_.get(), POLLIN, 0};
  return poll(&ended, 1, 0) == 0;
}

bool is_running(const Process& process) { return HeldProcess::hold(process).has_value(); }

pid_t parent_of(pid_t pid) {
  const auto stat = read_stat(pid);
  return stat ? stat->parent : 0;
}

std::uint64_t pid_namespace() {
  struct stat status {};
  return stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

std::string to_string(const Process& process) {
  return fmt::format("{}-{}-{}", process.pid, process.start, pid_namespace());
}

std::optional<Process> parse_process(std::string_view text) {
  const std::size_t first = text.find('-');
  const std::size_t second = first == std::string_view::npos ? first : text.find('-', first + 1);
  Process process;
  std::uint64_t of_namespace = 0;
  if (second == std::string_view::npos || !parse(text.substr(0, first), process.pid) || process.pid <= 0 ||
      !parse(text.substr(first + 1, second - first - 1), process.start) ||
      !parse(text.substr(second + 1), of_namespace) || of_namespace != pid_namespace()) {
    return std::nullopt;
  }
  return process;
}

std::map<std::string, std::vector<pid_t>> threads_by_role(pid_t pid) {
  std::vector<Thread> threads;
  std::error_code gone;
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
  for (std::filesystem::directory_iterator task(tasks, gone), end; !gone && task != end; task.increment(gone)) {
    std::string name;
    std::ifstream comm(task->path() / "comm");
    pid_t tid = 0;
    if (parse(task->path().filename().string(), tid) && std::getline(comm, name)) {
      threads.push_back(classify(name, tid, pid));
    }
  }
  throw_if_none_is_free(gone.value());
  std::sort(threads.begin(), threads.end(),
            [](const Thread& a, const Thread& b) { return std::pair(a.number, a.tid) < std::pair(b.number, b.tid); });
  std::map<std::string, std::vector<pid_t>> roles;
  for (const Thread& thread : threads) roles[thread.role].push_back(thread.tid);
  return roles;
}

}  // namespace shadowwalk::live
