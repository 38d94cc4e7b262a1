#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/cli/arguments.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "harness/text/suggestion.hpp"
#include "harness/verify/json.hpp"
#include "harness/verify/saved_schedule.hpp"
#include "harness/verify/trials.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::cli {
namespace {

using nlohmann::ordered_json;
using verify::Failure;
using verify::Report;
using verify::Story;
using verify::Trial;
using verify::VerifyConfig;

struct VerifyOptions {
  std::string variant;
  std::string memory = "tso";
  std::string mutant;
  std::string weaken;
  std::string save;
  std::string replay;
  std::string json;
  unsigned preemptions = 0;
  bool exhaustive = false;
  bool weaken_each = false;
  bool mutants = false;
  VerifyConfig setting;
};

constexpr std::size_t kColumn = 46;

std::string many(std::uint64_t count, std::string_view what, std::string_view plural_end = "s") {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : plural_end);
}

std::string row(std::size_t cpu, std::string_view text) { return fmt::format("  {:{}}{}\n", "", cpu * kColumn, text); }

/// A setting, such as "tso, 2 walkers x 1 walk, 1 zapper x 1 zap".
std::string in_words(const VerifyConfig& setting) {
  const auto model =
      std::ranges::find(simulation::kMemoryModels, setting.memory, [](const auto& it) { return it.second; });
  return fmt::format("{}, {} x {}{}{}, {} x {}{}{}", model->first, many(setting.walkers, "walker"),
                     many(setting.walks, "walk"), setting.faults ? " with faults" : "",
                     setting.guest ? " between guest entries" : "", many(setting.zappers, "zapper"),
                     many(setting.zaps, "zap"), setting.zap_all ? ", the last of everything" : "",
                     setting.pages == verify::kFewestPages ? "" : fmt::format(", {} pages", setting.pages));
}

/// What a verdict without a failure is based on.
std::string coverage(const Report& report) {
  const std::string executions = many(report.executions, "execution");
  if (report.exhausted) return fmt::format("every schedule, in {}", executions);
  if (report.covered_preemptions) {
    return fmt::format("every schedule with at most {}, in {}", many(*report.covered_preemptions, "preemption"),
                       executions);
  }
  return fmt::format("NOT every schedule: {}", executions);
}

/// The report of a variant with which nothing goes wrong, or the line above the story.
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

/// One column per CPU: what it does, and what it puts into its store buffer; what that still holds is shown when
/// another CPU goes on.
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
    case Trial::Verdict::out_of_reach:
      why = "the variant's bound is above all pages that so few zaps retire";
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
                    : fmt::format("  {:<12}  {:<28}  {:<12}  {}\n", in_words(trial.verdict), what, where, why);
}

std::vector<const VariantEntry*> chosen_variants(std::string_view option, const std::string& name) {
  return verify::verified_variants().choose(option, std::span(&name, 1), &VariantEntry::can_be_verified);
}

Mutant chosen_mutant(const std::string& name) {
  if (const auto mutant = verify::find_mutant(name)) return *mutant;
  std::vector<std::string> known;
  for (const verify::MutantInfo& info : verify::mutants()) known.emplace_back(info.name);
  throw InputError(fmt::format("--mutant {}: there is none of that name{} there are {}", name, suggestion(name, known),
                               fmt::join(known, ", ")));
}

/// The site that FILE:LINE or FILE:LINE:KIND means, of those that a variant passes.
simulation::Site chosen_site(const std::string& text, const VariantEntry& variant, const VerifyConfig& setting) {
  std::vector<std::string> names;
  std::vector<simulation::Site> meant;
  for (const simulation::Site& site : verify::explore(variant, setting).sites) {
    if (!verify::why_no_effect(site.kind).empty() || verify::of_the_lab(site)) continue;
    const std::string place = fmt::format("{}:{}", site.file, site.line);
    names.push_back(fmt::format("{}:{}", place, in_words(site.kind)));
    if (text == place || text == names.back()) meant.push_back(site);
  }
  if (meant.size() == 1) return meant.front();
  throw InputError(fmt::format("--weaken {}: {} of that name; {} passes {}", text,
                               meant.empty() ? "no site is" : "several sites are", variant.info.name,
                               fmt::join(names, ", ")));
}

class Verification {
 public:
  explicit Verification(const VerifyOptions& options) : options_(options), quiet_(options.json == kStdout) {}

  /// True: nothing goes wrong.
  bool run() {
    check_output("verify", "--json", options_.json);
    check_output("verify", "--save", options_.save);
    for (const VariantEntry* variant : chosen_variants("--variant", options_.variant)) verify_one(*variant);
    if (!options_.save.empty() && sound_) say("nothing goes wrong: there is no schedule to save\n");
    write_json();
    return sound_;
  }

 private:
  void verify_one(const VariantEntry& variant) {
    VerifyConfig setting = options_.setting;
    if (!options_.mutant.empty()) {
      setting.mutant = chosen_mutant(options_.mutant);
      verify::info_of(*setting.mutant).reach(setting);
    }
    if (!options_.weaken.empty()) setting.weakened = chosen_site(options_.weaken, variant, setting);
    const Report report = verify::explore(variant, setting);
    ordered_json document = {{"variant", variant.info.name}, {"setting", to_json(setting)}, {"run", to_json(report)}};
    say(in_words(variant, setting, report));
    if (report.failure) {
      sound_ = false;
      report_failure(variant, setting, *report.failure, document);
    } else {
      const auto add_to = [&](const char* list) {
        return [this, list, &document](const Trial& trial) {
          document[list].push_back(to_json(trial));
          say(in_words(trial));
        };
      };
      if (options_.weaken_each) verify::weaken_each(variant, setting, report.sites, add_to("weakened"));
      if (options_.mutants) verify::plant_each_mutant(variant, setting, add_to("mutants"));
    }
    documents_.push_back(std::move(document));
  }

  void report_failure(const VariantEntry& variant, const VerifyConfig& setting, const Failure& first,
                      ordered_json& document) {
    const Failure shortest = verify::minimise(variant, setting, first);
    const Story story = verify::tell_story(variant, setting, shortest);
    say(in_words(shortest) + in_words(story));
    document["failure"] = to_json(story, shortest);
    if (options_.save.empty() || saved_) return;
    const verify::SavedSchedule saved{
        .variant = std::string(variant.info.name), .config = setting, .goes_wrong = story.what, .steps = story.steps};
    write_output(options_.save, to_json(saved).dump(1, ' ', true) + "\n");
    saved_ = true;
  }

  void write_json() const {
    const ordered_json document = {{"shadowwalk_version", SHADOWWALK_VERSION}, {"verified", documents_}};
    write_output(options_.json, document.dump(1, ' ', true) + "\n");
  }

  void say(const std::string& text) const {
    if (quiet_) return;
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

  const VerifyOptions& options_;
  const bool quiet_;
  bool sound_ = true;
  bool saved_ = false;
  ordered_json documents_ = ordered_json::array();
};

/// True: the schedule goes wrong no more.
bool replay(const std::string& file) {
  const verify::SavedSchedule saved = verify::load_schedule(file);
  const VariantEntry& variant = *chosen_variants(file + ": variant", saved.variant).front();
  const Story story = verify::replay(variant, saved.config, saved.steps, file);
  fmt::print("{}: {} ({})\n{}", variant.info.name,
             story.what.empty() ? "nothing goes wrong any more, where it was: " + saved.goes_wrong : story.what,
             in_words(saved.config), in_words(story));
  return story.what.empty();
}

void run_verify(VerifyOptions& options, bool bounded) {
  if (!options.replay.empty()) {
    if (!replay(options.replay)) throw CLI::RuntimeError{1};
    return;
  }
  if (options.variant.empty()) throw InputError("--variant is required: a variant's name, or all");
  options.setting.memory = std::ranges::find(simulation::kMemoryModels, options.memory, [](const auto& entry) {
                             return entry.first;
                           })->second;
  if (bounded) options.setting.preemptions = options.preemptions;
  if (!Verification(options).run()) throw CLI::RuntimeError{1};
}

void add_system(CLI::App& verb, VerifyOptions& options) {
  VerifyConfig& setting = options.setting;
  std::vector<std::string> models;
  for (const auto& [name, model] : simulation::kMemoryModels) models.emplace_back(name);
  const auto add_number = [&](const char* name, unsigned& number, unsigned least, unsigned most, const char* what) {
    verb.add_option(name, number, what)->check(CLI::Range(least, most))->capture_default_str();
  };
  add_number("--walkers", setting.walkers, 1, verify::kMostWalkers, "vCPUs that walk");
  add_number("--zappers", setting.zappers, 1, verify::kMostZappers, "Threads that zap");
  add_number("--walks", setting.walks, 1, verify::kMostTurns, "Walks per walker (tables round-robin)");
  add_number("--zaps", setting.zaps, 1, verify::kMostTurns, "Zaps per zapper (tables round-robin)");
  add_number("--pages", setting.pages, verify::kFewestPages, verify::kMostPages,
             "Shadow pages: the root and one table, or two, below it");
  verb.add_flag("--zap-all", setting.zap_all, "Each zapper's last zap zaps everything, as deleting a memslot does");
  verb.add_flag("--faults", setting.faults, "Walks that find nothing fault the page in again");
  verb.add_flag("--guest", setting.guest, "vCPUs enter guest mode before each walk; there the hardware walks");
  verb.add_option("--memory", options.memory, "Memory model; tso is x86's")
      ->check(CLI::IsMember(models))
      ->capture_default_str();
}

}  // namespace

void add_verify(CLI::App& command) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* verb = command.add_subcommand(
      "verify", "Run a variant on a simulated machine under every schedule that can make a difference");
  VerifyConfig& setting = options->setting;
  verb->add_option("--variant", options->variant,
                   "A variant, or all: every one that claims to be safe; required without --replay");
  add_plugin_option(*verb);
  add_system(*verb, *options);

  CLI::Option* exhaustive = verb->add_flag("--exhaustive", options->exhaustive, "Every schedule: the default");
  CLI::Option* preemptions =
      verb->add_option("--preemptions", options->preemptions, "Only schedules with at most this many preemptions")
          ->check(CLI::Range(0u, verify::kMostPreemptions));
  CLI::Option* random = verb->add_option("--random", setting.random, "This many random schedules instead");
  exhaustive->excludes(preemptions)->excludes(random);
  preemptions->excludes(random);
  verb->add_option("--seed", setting.seed, "Seed of the random schedules")->capture_default_str();
  verb->add_option("--max-executions", setting.most_executions, "Give up after this many executions; 0: never")
      ->capture_default_str();

  verb->add_flag("--weaken-each", options->weaken_each,
                 "Then weaken each barrier, ordering, gate and IPI, one at a time, and show which are needed");
  verb->add_flag("--mutants", options->mutants, "Then plant bugs, one at a time, and show which are found");
  verb->add_option("--weaken", options->weaken,
                   "Weaken this site, as --weaken-each names it: FILE:LINE or FILE:LINE:KIND");
  verb->add_option("--mutant", options->mutant, "Plant this bug, as --mutants names it");

  verb->add_option("--save", options->save, "Write the schedule that goes wrong to FILE");
  CLI::Option* replayed = verb->add_option("--replay", options->replay, "Run only the schedule in FILE");
  verb->add_option("--json", options->json, "Write the outcome as JSON to FILE; - is stdout");
  for (CLI::Option* option : verb->get_options()) {
    if (option != replayed && option->get_name() != "--help") replayed->excludes(option);
  }
  verb->footer("Exit code 1 if a schedule goes wrong: it is printed, one column per CPU (docs/verify.md).");
  verb->callback([options, preemptions] { run_verify(*options, preemptions->count() != 0); });
}

}  // namespace shadowwalk::cli
