#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shadowwalk::live {

/// One process, and no other that has its number after it: the number, and when it started, in the kernel's ticks since
/// boot.
struct Process {
  pid_t pid = 0;
  std::uint64_t start = 0;
  friend auto operator<=>(const Process&, const Process&) = default;
};

Process this_process();
/// The process that has this number now; nothing if there is none, or it is a zombie.
std::optional<Process> process_of(pid_t pid);
/// Its parent's number; 0 if it is gone.
pid_t parent_of(pid_t pid);

/// The world in which this process's number means something: containers may share a directory, and not their numbers.
/// 0 if the kernel does not tell.
std::uint64_t pid_namespace();

/// `PID-START-NAMESPACE`, and back: nothing if it is none, or of another namespace than ours.
std::string to_string(const Process& process);
std::optional<Process> parse_process(std::string_view text);

}  // namespace shadowwalk::live
