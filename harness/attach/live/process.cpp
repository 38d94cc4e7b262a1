#include "harness/attach/live/process.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <system_error>

namespace shadowwalk::live {
namespace {

struct Stat {
  char state = 'X';
  pid_t parent = 0;
  std::uint64_t start = 0;
};

/// /proc/PID/stat: the name, second of its fields, may hold anything, brackets too.
std::optional<Stat> read_stat(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
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

}  // namespace

std::optional<Process> process_of(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
  return Process{pid, stat->start};
}

Process this_process() { return process_of(getpid()).value_or(Process{getpid(), 0}); }

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

}  // namespace shadowwalk::live
