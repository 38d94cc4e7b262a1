#include "harness/trace/tool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "harness/machine/error.hpp"
#include "harness/os/interrupt.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::trace {
namespace {

/// Ours, but for what would change how perf prints.
std::vector<std::string> plain_environment() {
  std::vector<std::string> result = {"LC_ALL=C", "PERF_CONFIG=/dev/null", "PAGER=cat"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with("LC_ALL=") && !text.starts_with("PERF_CONFIG=") && !text.starts_with("PAGER=")) {
      result.emplace_back(text);
    }
  }
  return result;
}

/// `out` and `error` become its stdout and stderr; -1: ours.
pid_t start(const std::vector<std::string>& arguments, int out, int error) {
  return os::start_program(arguments[0], arguments,
                           {.out = out, .error = error, .default_signals = true, .environment = plain_environment()});
}

/// The file's last bytes.
std::string tail(std::FILE* file) {
  constexpr long kTail = 4096;
  std::fseek(file, 0, SEEK_END);
  std::fseek(file, std::max(0L, std::ftell(file) - kTail), SEEK_SET);
  std::string text(kTail, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

}  // namespace

ToolOutput::ToolOutput(const std::vector<std::string>& arguments) : name_(arguments[0]), errors_(std::tmpfile()) {
  int ends[2];
  if (!errors_ || pipe2(ends, O_CLOEXEC) != 0) {
    throw InputError(fmt::format("cannot start {}: {}", name_, std::strerror(errno)));
  }
  pipe_ = os::FileDescriptor(ends[0]);
  const os::FileDescriptor writer(ends[1]);
  child_ = start(arguments, writer.get(), fileno(errors_.get()));
}

ToolOutput::~ToolOutput() {
  if (child_ < 0) return;
  kill(child_, SIGKILL);
  os::wait_for(child_);
}

std::size_t ToolOutput::read(char* into, std::size_t capacity) {
  while (true) {
    const ssize_t count = ::read(pipe_.get(), into, capacity);
    ended_ = count == 0;
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) throw InputError(fmt::format("{}: {}", name_, std::strerror(errno)));
  }
}

void ToolOutput::finish() {
  const int code = os::wait_for(child_);
  child_ = -1;
  if (code == 0) return;
  const std::string said = os::last_line(tail(errors_.get()));
  throw InputError(
      fmt::format("{} failed with exit code {}: {}", name_, code, said.empty() ? "it said nothing" : said));
}

ToolEnd run_tool(const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw InputError(fmt::format("pipe: {}", std::strerror(errno)));
  const os::FileDescriptor reader(ends[0]);
  os::FileDescriptor writer(ends[1]);
  const os::IgnoredInterrupt ignored;
  const pid_t child = start(arguments, -1, writer.get());
  writer.reset();
  std::string said;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(reader.get(), buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR);) {
    if (count < 0) continue;
    std::fwrite(buffer, 1, static_cast<std::size_t>(count), stderr);
    said.append(buffer, static_cast<std::size_t>(count));
    if (said.size() > 2 * sizeof buffer) said.erase(0, said.size() - sizeof buffer);
  }
  const int code = os::wait_for(child);
  return {code, os::last_line(said)};
}

}  // namespace shadowwalk::trace
