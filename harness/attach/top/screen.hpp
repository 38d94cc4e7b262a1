#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace shadowwalk::top {

/// Takes over the terminal while the object exists, and restores its content afterwards. One at a time, for one thread.
class Screen {
 public:
  /// Throws InputError if the terminal's type is unknown.
  Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen();

  std::size_t columns() const;
  void show(const std::vector<std::string>& lines);
  /// Waits for `time`, for a key, or for a change of the terminal's size. False: the user wants to leave (q, Ctrl-C,
  /// Esc).
  bool wait(std::chrono::milliseconds time);

 private:
  struct Terminal;
  const std::unique_ptr<Terminal> terminal_;
};

/// Whether the environment's locale uses UTF-8. Sets the program's locale for characters (LC_CTYPE) to it.
bool terminal_takes_utf8();

}  // namespace shadowwalk::top
