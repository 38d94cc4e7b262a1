#include "harness/attach/live/window_gate.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <exception>
#include <string>

#include "harness/attach/live/entry.hpp"
#include "harness/attach/live/runtime_files.hpp"

namespace shadowwalk::live {

bool WindowGate::claim() noexcept {
  try {
    const std::optional<RuntimeDirectory> directory = RuntimeDirectory::find();
    if (!directory) return !waiting_.empty();
    const std::string self = to_string(this_process());
    const auto parent = process_of(getppid());
    for (const std::string& name : directory->names()) {
      const std::optional<RuntimeFile> file = parse_file_name(name);
      if (!file || file->kind != kRequestKind || name.starts_with('.')) continue;
      const std::optional<std::string> wanted = directory->read(name);
      if (!wanted || (*wanted != self && !(parent && *wanted == to_string(*parent)))) continue;
      if (process_of(file->process.pid) != file->process) continue;
      if (!directory->rename(name, file_name(file->process, fmt::format("{}{}", kClaimKind, getpid())))) continue;
      waiting_.push_back({.starter = file->process, .perf = std::nullopt, .window = {}});
    }
  } catch (const std::exception&) {
    // A directory that is refused: nobody could have left a request.
  }
  return !waiting_.empty();
}

void WindowGate::let_begin() noexcept {
  const auto until = PerfControl::Clock::now() + patience_;
  for (Waiting& waiting : waiting_) {
    try {
      const std::optional<RuntimeDirectory> directory = RuntimeDirectory::find();
      std::optional<PerfControl> perf =
          directory ? PerfControl::open(*directory, waiting.starter, until) : std::nullopt;
      waiting.window.enable_ns = now_ns();
      if (perf && perf->command("enable", until)) {
        waiting.perf.emplace(std::move(*perf));
      } else {
        waiting.window.failure =
            perf ? "perf did not answer before the window" : "perf was not there before the window";
      }
    } catch (const std::exception& error) {
      waiting.window.failure = error.what();
    }
  }
}

void WindowGate::set_window(std::uint64_t begin_ns, std::uint64_t end_ns) noexcept {
  for (Waiting& waiting : waiting_) {
    waiting.window.begin_ns = begin_ns;
    waiting.window.end_ns = end_ns;
  }
}

void WindowGate::let_end() noexcept {
  const auto until = PerfControl::Clock::now() + patience_;
  for (Waiting& waiting : waiting_) {
    const bool was_off = waiting.perf && waiting.perf->command("disable", until);
    if (waiting.perf && !was_off) waiting.window.failure = "perf was gone, or did not answer, at the window's end";
    waiting.window.disabled_ns = now_ns();
  }
  try {
    const std::optional<RuntimeDirectory> directory = RuntimeDirectory::find();
    for (const Waiting& waiting : waiting_) {
      if (!directory || process_of(waiting.starter.pid) != waiting.starter) continue;
      directory->replace(file_name(waiting.starter, kDoneKind), to_text(waiting.window));
    }
  } catch (const std::exception&) {
    // Whoever waits sees the cell end.
  }
  waiting_.clear();
}

}  // namespace shadowwalk::live
