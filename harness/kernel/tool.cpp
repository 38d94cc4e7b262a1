#include "harness/kernel/tool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>

#include "harness/machine/error.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/os/files.hpp"
#include "harness/os/program.hpp"
#include "harness/os/tool_process.hpp"

namespace shadowwalk::kernel {
namespace {

std::string content_of(int fd) {
  std::string content;
  char buffer[1 << 16];
  off_t at = 0;
  for (ssize_t count; (count = pread(fd, buffer, sizeof buffer, at)) > 0; at += count) {
    content.append(buffer, static_cast<std::size_t>(count));
  }
  return content;
}

}  // namespace

ToolEnd run_tool(const std::vector<std::string>& words) {
  const std::string& name = words.front();
  const auto path = name.find('/') != name.npos ? std::optional(name) : os::find_program(name);
  if (!path) throw InputError(fmt::format("{} is not on PATH", name));
  const os::FileDescriptor out = os::open_scratch_file();
  const os::FileDescriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const pid_t child = os::start_tool(
      *path, words,
      {.in = null.get(), .out = out.get(), .error = out.get(), .default_signals = true, .death_signal = SIGKILL});
  ToolEnd end;
  end.exit_code = os::wait_for(child);
  end.output = content_of(out.get());
  return end;
}

std::string output_of(const std::vector<std::string>& words) {
  ToolEnd end = run_tool(words);
  if (end.exit_code == 0) return std::move(end.output);
  const std::string said = os::last_line(end.output);
  throw InputError(
      fmt::format("{} {}{}{}", words.front(), os::end_in_words(end.exit_code), said.empty() ? "" : ": ", said));
}

}  // namespace shadowwalk::kernel
