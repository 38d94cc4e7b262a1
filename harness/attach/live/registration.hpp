#pragma once

#include <functional>
#include <optional>
#include <string>

#include "harness/attach/live/entry.hpp"
#include "harness/attach/live/runtime_directory.hpp"

namespace shadowwalk::live {

/// Lists this process among the live runs for as long as it lives. It never fails: what keeps it from being listed is
/// handed to `warn`, once, in one line, and a run goes on unlisted. One at a time in a process.
class Registration {
 public:
  using Warn = std::function<void(const std::string& why)>;
  explicit Registration(Warn warn);
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  /// Takes the entry away. After kill -9 it stays, and the next reader finds that its process is gone.
  ~Registration();

  /// Writes the entry: some 50 us of this thread, so not while something is measured.
  void update(const Entry& entry);

 private:
  void give_up(const std::string& why);

  const Warn warn_;
  std::optional<RuntimeDirectory> directory_;
  const std::string name_;
};

}  // namespace shadowwalk::live
