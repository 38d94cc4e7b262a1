#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the command and its agent in the virtual machine say to each other over a serial port: one JSON object per
/// line. All functions are pure; those that read throw InputError for anything else than such a message.
namespace shadowwalk::kernel {

/// Agent to command, once: it is there.
struct VmReady {
  std::string release;         ///< of the kernel, as `uname -r`
  std::string module_problem;  ///< why the module could not be loaded, in one line; empty: it is, or there is none
};

/// Command to agent: run a program to its end.
struct VmJob {
  std::vector<std::string> words;            ///< the program's file and its arguments
  std::map<std::string, std::string> files;  ///< written before, by absolute name
  std::string result_file;                   ///< read afterwards; empty: none
  std::chrono::milliseconds limit{0};        ///< then it is killed
};

/// Agent to command: what became of it.
struct VmJobEnd {
  bool timed_out = false;
  int exit_code = 0;
  int signal = 0;                     ///< that ended it; 0: none
  std::string output;                 ///< stdout and stderr, the end of it
  std::optional<std::string> result;  ///< the content of the job's result_file; nothing: there is no such file
};

std::string to_line(const VmReady& message);
std::string to_line(const VmJob& message);
std::string to_line(const VmJobEnd& message);
VmReady ready_from(std::string_view line);
VmJob job_from(std::string_view line);
VmJobEnd job_end_from(std::string_view line);

/// Cuts a stream of bytes into lines. Throws InputError if a line is longer than any message.
class LineReader {
 public:
  void add(std::string_view bytes);
  /// The next whole line, without its end; nothing: there is none yet.
  std::optional<std::string> next();

 private:
  std::string rest_;
};

}  // namespace shadowwalk::kernel
