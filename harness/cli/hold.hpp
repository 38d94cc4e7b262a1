#pragma once

#include "harness/os/file_descriptor.hpp"

namespace shadowwalk::cli {

/// `cell --hold`: waits until somebody who has attached to the process lets it go on, by Enter where stdin is a
/// terminal, or by SIGUSR1. Nothing else lets it go on: a stdin that is a file or a pipe holds other people's lines,
/// and one at its end holds none. SIGINT and the like end the process, as at any other time.
class Hold {
 public:
  /// Before threads start: they inherit that SIGUSR1 is blocked. It stays so, and one that comes early is not lost.
  /// Throws std::system_error.
  Hold();

  /// Says on stderr who is held and how to go on, and returns when that was done.
  void wait();

 private:
  os::FileDescriptor signal_;
};

}  // namespace shadowwalk::cli
