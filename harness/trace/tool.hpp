#pragma once

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/trace/line_source.hpp"

/// Other people's programs that know their own files best: perf, trace-cmd.
namespace shadowwalk::trace {

/// Where on PATH a program is; nothing if it is not.
std::optional<std::string> find_program(const std::string& name);

/// As find_program(), but InputError that says what needs it and which Debian package holds it.
std::string require_program(const std::string& name, const std::string& what_for, const std::string& package);

/// What a program prints, line by line while it runs. Its stderr is kept, for errors. It does not outlive this.
class ToolOutput final : public LineSource {
 public:
  /// `arguments[0]` is the program's path. Throws InputError if it cannot be started.
  explicit ToolOutput(std::vector<std::string> arguments);
  ToolOutput(const ToolOutput&) = delete;
  ToolOutput& operator=(const ToolOutput&) = delete;
  ~ToolOutput() override;

  /// Whether it closed its output.
  bool ended() const { return ended_; }
  /// Once ended(): throws InputError, with the last line of its stderr, if it failed.
  void finish();

 protected:
  std::size_t read(char* into, std::size_t capacity) override;

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  std::string name_;
  std::unique_ptr<std::FILE, CloseFile> errors_;
  int pipe_ = -1;
  pid_t child_ = -1;
  bool ended_ = false;
};

/// What a program that shares our terminal ended with.
struct ToolEnd {
  int exit_code = 0;       ///< 128 and the signal's number if one ended it, as shells say
  std::string last_error;  ///< the last line of its stderr
};

/// Runs a program to its end. Its stdin and stdout are ours; its stderr is shown and remembered. SIGINT from the
/// terminal is for it alone meanwhile: it ends in order, and so do we. Throws InputError if it cannot be started.
ToolEnd run_tool(std::vector<std::string> arguments);

}  // namespace shadowwalk::trace
