#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace shadowwalk::top {

/// The whole terminal, for as long as this lives; what it showed before comes back. One at a time, for one thread.
class Screen {
 public:
  /// Throws InputError if the terminal's type is unknown.
  Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen();

  std::size_t columns() const;
  void show(const std::vector<std::string>& lines);
  /// Waits so long, or for a key; at once where the terminal's size has changed. False: the user wants to leave (q,
  /// Ctrl-C, Esc).
  bool wait(std::chrono::milliseconds time);

 private:
  struct Terminal;
  const std::unique_ptr<Terminal> terminal_;
};

/// Whether this program may write UTF-8 here, as the environment's locale says. Sets the program's locale for
/// characters by it.
bool terminal_takes_utf8();

}  // namespace shadowwalk::top
