#include "harness/cli/verify_words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace shadowwalk::cli {
namespace {

using verify::Report;
using verify::Story;
using verify::Trial;
using verify::VerifyConfig;

constexpr std::size_t kColumn = 46;

std::string many(std::uint64_t count, std::string_view what, std::string_view plural_end = "s") {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : plural_end);
}

std::string row(std::size_t cpu, std::string_view text) { return fmt::format("  {:{}}{}\n", "", cpu * kColumn, text); }

}  // namespace

std::string in_words(const VerifyConfig& setting) {
  const auto model =
      std::ranges::find(simulation::kMemoryModels, setting.memory, [](const auto& it) { return it.second; });
  return fmt::format("{}, {} x {}{}{}, {} x {}{}{}", model->first, many(setting.walkers, "walker"),
                     many(setting.walks, "walk"), setting.faults ? " with faults" : "",
                     setting.guest ? " between guest entries" : "", many(setting.zappers, "zapper"),
                     many(setting.zaps, "zap"), setting.zap_all ? ", the last of everything" : "",
                     setting.pages == verify::kFewestPages ? "" : fmt::format(", {} pages", setting.pages));
}

std::string coverage(const Report& report) {
  const std::string executions = many(report.executions, "execution");
  if (report.exhausted) return fmt::format("every schedule, in {}", executions);
  if (report.covered_preemptions) {
    return fmt::format("every schedule with at most {}, in {}", many(*report.covered_preemptions, "preemption"),
                       executions);
  }
  return fmt::format("NOT every schedule: {}", executions);
}

std::string in_words(const VariantEntry& variant, const VerifyConfig& setting, const Report& report) {
  if (report.failure) {
    return fmt::format("{}: {}, in execution {} ({})\n", variant.info.name, report.failure->what, report.executions,
                       in_words(setting));
  }
  return fmt::format("{}: nothing goes wrong: {}, {} at most, {:.2f} s ({})\n", variant.info.name, coverage(report),
                     many(report.longest, "step"), report.seconds, in_words(setting));
}

std::string in_words(const verify::Failure& shortest) {
  return fmt::format(
      "  {}, {}{}, {}:\n", many(shortest.schedule.size(), "step"), many(shortest.preemptions, "preemption"),
      shortest.fewest_preemptions ? " (it takes no fewer)" : "", many(shortest.switches, "switch", "es"));
}

std::string in_words(const Story& story) {
  std::string text;
  for (const std::string& cpu : story.cpus) text += fmt::format("{:<{}}", cpu, kColumn);
  text = fmt::format("  {}\n", text.substr(0, text.find_last_not_of(' ') + 1));
  for (std::size_t i = 0; i < story.lines.size(); ++i) {
    const Story::Line& line = story.lines[i];
    text += row(line.cpu, line.text);
    if (i + 1 < story.lines.size() && story.lines[i + 1].cpu == line.cpu) continue;
    if (const auto& waiting = line.buffers[line.cpu]; !waiting.empty()) {
      text += row(line.cpu, fmt::format("[in its store buffer: {}]", fmt::join(waiting, ", ")));
    }
  }
  return text;
}

std::string in_words(const Trial& trial) {
  const std::string what = trial.site ? std::string(in_words(trial.site->kind)) : std::string(trial.mutant->name);
  const std::string where = trial.site ? fmt::format("{}:{}", trial.site->file, trial.site->line)
                                       : std::string(trial.mutant->commit.empty() ? "-" : trial.mutant->commit);
  std::string why;
  switch (trial.verdict) {
    case Trial::Verdict::needed:
    case Trial::Verdict::found:
      why = fmt::format("{}{}, in execution {}", trial.site ? "else " : "", trial.run->failure->what,
                        trial.run->executions);
      break;
    case Trial::Verdict::no_effect:
      why = verify::why_no_effect(trial.site->kind);
      break;
    case Trial::Verdict::nothing_claimed:
      why = "the variant claims no bound on unreclaimed pages";
      break;
    case Trial::Verdict::not_reached:
      why = "no schedule comes by it";
      break;
    case Trial::Verdict::not_needed:
    case Trial::Verdict::not_found:
      why = coverage(*trial.run);
      break;
  }
  if (trial.mutant != nullptr && trial.run) why += fmt::format(" ({})", in_words(trial.config));
  return trial.site ? fmt::format("  {:<10}  {:<23}  {:<40}  {}\n", in_words(trial.verdict), what, where, why)
                    : fmt::format("  {:<11}  {:<28}  {:<12}  {}\n", in_words(trial.verdict), what, where, why);
}

}  // namespace shadowwalk::cli
