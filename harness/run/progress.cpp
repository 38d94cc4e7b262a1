#include "harness/run/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "harness/os/program.hpp"
#include "harness/text/duration.hpp"

namespace shadowwalk::run {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

/// "refused: why", "crashed: why": the key by which failures are counted together.
std::string describe(const Failure& failure) { return fmt::format("{}: {}", failure.status, failure.reason); }

}  // namespace

nanoseconds estimate_remaining(std::size_t done, nanoseconds planned_done, nanoseconds actual_done, std::size_t left,
                               nanoseconds planned_left) {
  // Set-up and tear-down hardly depend on how long a cell measures: an overhead per cell, not a factor.
  nanoseconds overhead = 100ms;
  if (done > 0) overhead = std::max(actual_done - planned_done, 0ns) / static_cast<nanoseconds::rep>(done);
  return planned_left + overhead * static_cast<nanoseconds::rep>(left);
}

Progress::Settings Progress::settings_for(std::FILE* out) {
  Settings settings{.out = out, .terminal = isatty(fileno(out)) != 0};
  winsize size{};
  if (settings.terminal && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20) settings.width = size.ws_col;
  return settings;
}

Progress::Progress(const Settings& settings, std::size_t total, std::size_t finished, std::size_t failed)
    : settings_{settings}, total_{total}, finished_{finished}, failed_{failed} {}

Progress::~Progress() {
  if (line_open_) std::fputc('\n', settings_.out);
  std::fflush(settings_.out);
}

std::string Progress::position(std::size_t number) const {
  const std::string total = std::to_string(total_);
  return fmt::format("[{:>{}}/{}]", number, total.size(), total);
}

nanoseconds Progress::remaining(nanoseconds planned_left, std::size_t left) const {
  return estimate_remaining(done_, planned_done_, actual_done_, left, planned_left);
}

void Progress::started(const PlannedCell& cell, const Measurement& measurement, nanoseconds planned_left,
                       std::size_t left) {
  if (!settings_.terminal) return;
  const std::string head = fmt::format("{} {:>2}%  ", position(number()), 100 * finished_ / total_);
  std::string tail = fmt::format("  ETA {}", format_duration(remaining(planned_left, left)));
  if (failed_ > 0) tail += fmt::format("  {} failed", failed_);
  std::string name = fmt::format("{} r{}", cell.name, measurement.repetition);
  // A line that wraps cannot be rewritten.
  const std::size_t fixed = head.size() + tail.size() + 1;
  name.resize(std::min(name.size(), settings_.width > fixed ? settings_.width - fixed : 0));
  fmt::print(settings_.out, "\r\x1b[K{}{}{}", head, name, tail);
  std::fflush(settings_.out);
  line_open_ = true;
}

void Progress::measured(const PlannedCell& cell, const Measurement& measurement, nanoseconds elapsed,
                        const std::string& noise) {
  ended(cell, elapsed);
  if (settings_.terminal) return;
  print_line(fmt::format("{} {} r{}: measured in {}{}{}", position(finished_), cell.name, measurement.repetition,
                         format_duration(elapsed), noise.empty() ? "" : ", noisy: ", noise));
}

void Progress::set_aside(const PlannedCell& cell, const Measurement& measurement, nanoseconds elapsed,
                         const std::string& noise) {
  actual_done_ += elapsed;  // further cells may be noisy, too: it counts as overhead
  if (settings_.terminal) return;
  print_line(fmt::format("{} {} r{}: noisy after {}, is measured again: {}", position(number()), cell.name,
                         measurement.repetition, format_duration(elapsed), noise));
}

void Progress::failed(const PlannedCell& cell, const Measurement& measurement, nanoseconds elapsed,
                      const Failure& failure, bool counted_before) {
  ended(cell, elapsed);
  if (!counted_before) ++failed_;
  print_line(fmt::format("{} {} r{}: {}", position(finished_), cell.name, measurement.repetition, describe(failure)));
}

void Progress::ended(const PlannedCell& cell, nanoseconds elapsed) {
  ++finished_;
  ++done_;
  planned_done_ += measuring_time(cell.request.config);
  actual_done_ += elapsed;
}

void Progress::print_line(const std::string& line) {
  fmt::print(settings_.out, "{}{}\n", line_open_ ? "\r\x1b[K" : "", line);
  std::fflush(settings_.out);
  line_open_ = false;
}

std::string precision_summary(const Plan& plan, std::size_t imprecise) {
  const std::size_t added = plan.rounds.empty() ? 0 : plan.order.size() - plan.rounds.front();
  return fmt::format("added for precision: {} measurements in {} rounds; {}\n", added, plan.rounds.size(),
                     imprecise == 0 ? "all settings are precise"
                                    : fmt::format("{} {} still wider: raise --time-budget", imprecise,
                                                  imprecise == 1 ? "setting is" : "settings are"));
}

std::string summary(const RunDirectory& directory) {
  const std::size_t total = directory.plan().order.size();
  const auto& failures = directory.failures();
  const std::size_t pending = total - directory.measured() - failures.size();
  std::string text = fmt::format("{} of {} measured", directory.measured(), total);
  if (!failures.empty()) text += fmt::format(", {} failed", failures.size());
  if (pending > 0) text += fmt::format(", {} not yet run", pending);
  text += fmt::format(": {}\n", directory.path().string());

  std::map<std::string, std::vector<Measurement>> by_reason;
  for (const auto& [measurement, failure] : failures) by_reason[describe(failure)].push_back(measurement);
  for (const auto& [reason, measurements] : by_reason) {
    const PlannedCell& first = directory.plan().cells[static_cast<std::size_t>(measurements.front().cell)];
    text += fmt::format("  {} x {} (first: {} r{})\n", measurements.size(), reason, first.name,
                        measurements.front().repetition);
  }
  const std::string resume = directory.resume_command();
  if (!failures.empty()) text += fmt::format("  repeat the failed ones: {} --retry-failed\n", resume);
  if (pending > 0) text += fmt::format("continue: {}\n", resume);
  text += fmt::format("report: {}\n", os::shell_line({"shadowwalk", "report", directory.path().string()}));
  return text;
}

}  // namespace shadowwalk::run
