#pragma once

#include <stdexcept>

namespace shadowwalk {

/// The user asked for something impossible: the command prints `shadowwalk: <what>` on stderr and exits with 2.
/// `what()` is one line that says what is wrong, where, and what to do.
class InputError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A cell that has begun cannot continue (the guest crashed, no memory is left): its result says so, exit code 1.
class CellError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace shadowwalk
