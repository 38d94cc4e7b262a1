#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "harness/machine/error.hpp"
#include "harness/os/printable.hpp"

/// One function per reader of other people's bytes: whatever the bytes are, it returns, or aborts where the reader
/// breaks a promise. targets.cpp lists them.
namespace shadowwalk::fuzz {

void live_entry(std::string_view bytes);
void run_json(std::string_view bytes);
void schedule(std::string_view bytes);
void toml_matrix(std::string_view bytes);
void toml_topology(std::string_view bytes);
void toml_workload(std::string_view bytes);
void trace_import(std::string_view bytes);
void trace_reader(std::string_view bytes);

/// Ends the program unless a promise is kept.
inline void require(bool holds, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: a reader broke a promise\n", file, line);
  std::abort();
}

inline bool is_printable(std::string_view text) { return os::printable(text) == text; }

/// Whether `read` took its input. A refusal is an InputError that a command can print; what else is thrown ends the
/// program.
template <class Read>
bool accepts(Read read) {
  try {
    read();
    return true;
  } catch (const InputError& error) {
    constexpr std::size_t kLongest = 2100;
    const std::string line = os::error_line(error.what());
    require(!line.empty() && line.size() < kLongest && is_printable(line));
    return false;
  }
}

}  // namespace shadowwalk::fuzz
