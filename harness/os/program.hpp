#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

/// Programs as child processes: how they are found, started and waited for, and how their command line is shown.
namespace shadowwalk::os {

/// The path of a program on PATH; nothing if it is not there.
std::optional<std::string> find_program(const std::string& name);

/// As find_program(), but throws an InputError that says what needs the program and which Debian package holds it.
std::string require_program(const std::string& name, const std::string& what_for, const std::string& package);

/// How a child process differs from its parent. Every child starts with no signal blocked.
struct ChildSetup {
  int in = -1;     ///< becomes the child's stdin; -1: the parent's
  int out = -1;    ///< ... stdout
  int error = -1;  ///< ... stderr
  /// The child leads a process group of its own.
  bool own_group = false;
  /// SIGINT and SIGXFSZ have their default action in the child, as if a shell had started it, even if the parent
  /// ignores them.
  bool default_signals = false;
  /// The signal that the kernel sends to the child when the thread that started it dies; 0: none.
  int death_signal = 0;
  std::optional<std::vector<std::string>> environment = {};  ///< NAME=VALUE each; nothing: the parent's
};

/// Starts a program with these arguments, argv[0] included, and returns once it is executing. All other descriptors
/// that are not close-on-exec are inherited. Throws InputError if the program cannot be executed, std::system_error if
/// no process can be made.
pid_t start_program(const std::string& path, const std::vector<std::string>& arguments, const ChildSetup& setup);

/// What to do where the host starts no more threads or processes (EAGAIN), in words.
std::string why_not_started(const std::error_code& error);

/// The exit code in a wait status; 128 and the signal's number if a signal ended the process, as shells report it.
int exit_code_of(int status);

/// Waits for a child process and returns its exit_code_of().
int wait_for(pid_t child);

/// The last line of a program's output that is not blank, printable(), of at most 400 bytes and a mark if it was
/// longer.
std::string last_line(std::string_view output);

/// The arguments as one line that a POSIX shell splits into exactly these arguments again.
std::string shell_line(const std::vector<std::string>& arguments);

}  // namespace shadowwalk::os
