#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "harness/attach/top/screen.hpp"
#include "harness/attach/top/view.hpp"
#include "harness/attach/top/watch.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/machine/error.hpp"
#include "harness/text/duration.hpp"

namespace shadowwalk::cli {
namespace {

constexpr std::size_t kPlainColumns = 160;
constexpr std::chrono::milliseconds kFirstInterval{300};

struct TopArguments {
  std::string run;
  std::string interval = "1s";
  std::uint64_t frames = 0;
  bool json = false;
  bool plain = false;
};

std::chrono::milliseconds interval_of(const TopArguments& arguments) {
  const auto time = parse_duration(arguments.interval);
  if (!time || *time < std::chrono::milliseconds(100) || *time > std::chrono::hours(1)) {
    throw InputError(
        fmt::format("top: --interval is '{}'; it must be a time from 100ms to 3600s, such as 1s", arguments.interval));
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(*time);
}

void show_on_screen(top::Watch& watch, std::chrono::milliseconds interval, std::uint64_t frames, top::Blocks blocks) {
  top::Screen screen;
  for (std::uint64_t shown = 0; frames == 0 || shown < frames; ++shown) {
    const top::Frame frame = watch.look();
    if (frame.ended()) return;
    std::vector<std::string> lines = top::lines_of(frame, screen.columns(), blocks);
    lines.insert(lines.end(), {"", "  q quits"});
    screen.show(lines);
    if (!screen.wait(interval)) return;
  }
}

/// Frames one after the other; what was printed stays.
void print(top::Watch& watch, const TopArguments& arguments, std::chrono::milliseconds interval, top::Blocks blocks) {
  for (std::uint64_t printed = 0;;) {
    const top::Frame frame = watch.look();
    if (arguments.json) {
      fmt::print("{}\n", top::json_of(frame));
    } else {
      for (const std::string& line : top::lines_of(frame, kPlainColumns, blocks)) fmt::print("{}\n", line);
      fmt::print("\n");
    }
    std::fflush(stdout);
    if (frame.ended() || ++printed == arguments.frames) return;
    std::this_thread::sleep_for(interval);
  }
}

void show(const TopArguments& arguments) {
  const std::chrono::milliseconds interval = interval_of(arguments);
  const top::Blocks blocks = top::terminal_takes_utf8() ? top::Blocks::unicode : top::Blocks::ascii;
  top::Watch watch(arguments.run);
  const bool terminal = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  if (!arguments.json) {  // rates need two frames, the first time too
    watch.look();
    std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(interval, kFirstInterval));
  }
  if (!terminal || arguments.json || arguments.plain) return print(watch, arguments, interval, blocks);
  show_on_screen(watch, interval, arguments.frames, blocks);
  // The screen is restored; the last figures stay below it.
  for (const std::string& line : top::lines_of(watch.look(), kPlainColumns, blocks)) fmt::print("{}\n", line);
}

}  // namespace

void add_top(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("top", "Watch a live run: rates, retired memory, latencies, exits");
  auto arguments = std::make_shared<TopArguments>();
  verb->add_option("run", arguments->run, "Id, as `shadowwalk ps` shows it; may be left out if only one run is live")
      ->type_name("RUN");
  verb->add_option("--interval", arguments->interval, "Refresh interval")->type_name("TIME")->capture_default_str();
  verb->add_option("--frames", arguments->frames, "Number of refreshes; 0: until the run ends")->capture_default_str();
  CLI::Option* json =
      verb->add_flag("--json", arguments->json, "Print each refresh as one line of JSON (docs/attach.md)");
  verb->add_flag("--plain", arguments->plain, "Print each refresh below the previous one, as without a terminal")
      ->excludes(json);
  verb->footer(
      "Reads the counters that the cell keeps in shared memory: this neither stops nor perturbs the cell.\n"
      "Rates and the first column of latencies are since the last refresh, `window:` is the measured window so far.");
  verb->callback([arguments] { show(*arguments); });
}

}  // namespace shadowwalk::cli
