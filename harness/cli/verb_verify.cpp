#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/cli/plugin_option.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/machine/error.hpp"
#include "harness/text/suggestion.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::cli {
namespace {

using simulation::MemoryModel;
using simulation::Site;
using verify::Report;
using verify::Setting;
using verify::VerifiedVariant;
using ModelName = std::pair<std::string_view, MemoryModel>;

struct VerifyOptions {
  std::string variant;
  std::string memory = "tso";
  bool weaken_each = false;
  Setting setting;
};

std::vector<const VerifiedVariant*> chosen_variants(const std::string& name) {
  std::vector<const VerifiedVariant*> chosen;
  std::vector<std::string> known;
  for (const VerifiedVariant& variant : verify::verified_variants()) {
    known.emplace_back(variant.info.name);
    if (variant.info.name == name || (name == "all" && variant.info.safe)) chosen.push_back(&variant);
  }
  if (chosen.empty()) {
    throw InputError(fmt::format("--variant {}: there is none of that name{} there are all, {}", name,
                                 suggestion(name, known), fmt::join(known, ", ")));
  }
  return chosen;
}

std::string many(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string in_words(const Setting& setting) {
  const auto model = std::ranges::find(simulation::kMemoryModels, setting.memory, &ModelName::second);
  return fmt::format("{}, {} x {}{}{}, {} x {}", model->first, many(setting.walkers, "walker"),
                     many(setting.walks, "walk"), setting.faults ? " with faults" : "",
                     setting.guest ? " between guest entries" : "", many(setting.zappers, "zapper"),
                     many(setting.zaps, "zap"));
}

/// What a verdict without a failure rests on.
std::string coverage(const Report& report) {
  return fmt::format(
      "{} {}", report.exhausted ? "every schedule, in" : "NOT every schedule:", many(report.executions, "execution"));
}

/// From the project's folder on; of a plug-in's file, its name.
std::string_view within_project(std::string_view file) {
  for (const std::string_view folder : {"variants/", "harness/"}) {
    if (const std::size_t at = file.rfind(folder); at != std::string_view::npos) return file.substr(at);
  }
  return file.substr(file.rfind('/') + 1);
}

std::string_view kind_in_words(Site::Kind kind) {
  switch (kind) {
    case Site::Kind::full_fence:
      return "full fence";
    case Site::Kind::exchange:
      return "exchange";
    case Site::Kind::read_modify_write:
      return "locked operation";
    case Site::Kind::release_store:
      return "release store";
    case Site::Kind::acquire_load:
      break;
  }
  return "acquire load";
}

/// A column a CPU: what it does, and what it puts into its store buffer until all see it.
void print_story(const verify::Failure& failure) {
  constexpr std::size_t kColumn = 46;
  std::string heads;
  for (const std::string& cpu : failure.cpus) heads += fmt::format("{:<{}}", cpu, kColumn);
  fmt::print("  {}\n", heads.substr(0, heads.find_last_not_of(' ') + 1));
  for (const verify::StoryLine& line : failure.story) fmt::print("  {:{}}{}\n", "", line.cpu * kColumn, line.text);
}

/// False: a schedule goes wrong.
bool verify_one(const VerifiedVariant& variant, const Setting& setting) {
  const Report report = variant.verify(setting);
  if (!report.failure) {
    fmt::print("{}: nothing goes wrong: {}, {} at most, {:.2f} s ({})\n", variant.info.name, coverage(report),
               many(report.longest, "step"), report.seconds, in_words(setting));
    return true;
  }
  fmt::print("{}: {}, in execution {} ({})\n", variant.info.name, report.failure->what, report.executions,
             in_words(setting));
  print_story(*report.failure);
  return false;
}

/// Why weakening a site changes nothing on the simulated machine, whatever the variant; empty if it may.
std::string_view why_no_effect(Site::Kind kind) {
  if (kind == Site::Kind::read_modify_write) return "x86 locks it whatever its order";
  if (kind == Site::Kind::acquire_load) return "loads are not reordered";
  return {};
}

/// Weakens each site that orders something, one at a time.
void weaken_each(const VerifiedVariant& variant, Setting setting) {
  const auto print_row = [](std::string_view verdict, const Site& site, const std::string& why) {
    fmt::print("  {:<10}  {:<16}  {:<40}  {}\n", verdict, kind_in_words(site.kind),
               fmt::format("{}:{}", within_project(site.file), site.line), why);
  };
  for (const Site& site : variant.verify(setting).sites) {
    if (within_project(site.file).starts_with("harness/simulation/")) continue;  // the machine itself
    if (const std::string_view why = why_no_effect(site.kind); !why.empty()) {
      print_row("no effect", site, std::string(why));
      continue;
    }
    setting.weakened = site;
    const Report report = variant.verify(setting);
    if (report.failure) {
      print_row("needed", site, fmt::format("else {}, in execution {}", report.failure->what, report.executions));
    } else {
      print_row("not needed", site, coverage(report));
    }
  }
}

void run_verify(const VerifyOptions& options) {
  Setting setting = options.setting;
  setting.memory = std::ranges::find(simulation::kMemoryModels, options.memory, &ModelName::first)->second;
  bool sound = true;
  for (const VerifiedVariant* variant : chosen_variants(options.variant)) {
    const bool fine = verify_one(*variant, setting);
    if (fine && options.weaken_each) weaken_each(*variant, setting);
    std::fflush(stdout);
    sound = sound && fine;
  }
  if (!sound) throw CLI::RuntimeError{1};
}

}  // namespace

void add_verify(CLI::App& command) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* verb = command.add_subcommand(
      "verify", "Run a variant on a simulated machine under every schedule that can make a difference");
  Setting& setting = options->setting;
  std::vector<std::string> models;
  for (const auto& [name, model] : simulation::kMemoryModels) models.emplace_back(name);
  verb->add_option("--variant", options->variant, "Its name, or all: every one that claims to be safe")->required();
  add_plugin_option(*verb);
  verb->add_option("--walkers", setting.walkers, "vCPUs that walk to one page")
      ->check(CLI::Range(1, 4))
      ->capture_default_str();
  verb->add_option("--zappers", setting.zappers, "Threads that zap it")->check(CLI::Range(1, 2))->capture_default_str();
  verb->add_option("--walks", setting.walks, "Of each walker")->check(CLI::Range(1, 4))->capture_default_str();
  verb->add_option("--zaps", setting.zaps, "Of each zapper")->check(CLI::Range(1, 4))->capture_default_str();
  verb->add_flag("--faults", setting.faults, "Walks that find nothing build the page again");
  verb->add_flag("--guest", setting.guest, "vCPUs enter guest mode before each walk");
  verb->add_option("--memory", options->memory, "Memory model; tso is x86's")
      ->check(CLI::IsMember(models))
      ->capture_default_str();
  verb->add_flag("--weaken-each", options->weaken_each,
                 "Then weaken each barrier and ordering, one at a time, and tell which are needed");
  verb->add_option("--random", setting.random, "So many random schedules instead of every one");
  verb->add_option("--seed", setting.seed, "Of the random schedules")->capture_default_str();
  verb->add_option("--max-executions", setting.most_executions, "Give up after so many; 0: never")
      ->capture_default_str();
  verb->footer("Exit code 1 if a schedule goes wrong: it is printed, a column a CPU (docs/verify.md).");
  verb->callback([options] { run_verify(*options); });
}

}  // namespace shadowwalk::cli
