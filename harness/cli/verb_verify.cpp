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
#include "harness/cli/verify_words.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
#include "harness/text/suggestion.hpp"
#include "harness/verify/json.hpp"
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
      tell(variant, setting, *report.failure, document);
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

  void tell(const VariantEntry& variant, const VerifyConfig& setting, const Failure& first, ordered_json& document) {
    const Failure shortest = verify::minimise(variant, setting, first);
    const Story story = verify::tell_story(variant, setting, shortest);
    say(in_words(shortest) + in_words(story));
    document["failure"] = to_json(story, shortest);
    if (options_.save.empty() || saved_) return;
    const verify::SavedSchedule saved{
        .variant = std::string(variant.info.name), .config = setting, .goes_wrong = story.what, .steps = story.steps};
    os::write_file_atomically(options_.save, to_json(saved).dump(1) + "\n");
    saved_ = true;
  }

  void write_json() const {
    if (options_.json.empty()) return;
    const ordered_json document = {{"shadowwalk_version", SHADOWWALK_VERSION}, {"verified", documents_}};
    const std::string text = document.dump(1) + "\n";
    if (quiet_) {
      std::fwrite(text.data(), 1, text.size(), stdout);
    } else {
      os::write_file_atomically(options_.json, text);
    }
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
  add_number("--walks", setting.walks, 1, verify::kMostTurns, "Of each walker, through the tables in turn");
  add_number("--zaps", setting.zaps, 1, verify::kMostTurns, "Of each zapper, of the tables in turn");
  add_number("--pages", setting.pages, verify::kFewestPages, verify::kMostPages,
             "Shadow pages: the root and one table, or two, below it");
  verb.add_flag("--zap-all", setting.zap_all, "The last zap of each zapper is of everything, as a memslot's delete");
  verb.add_flag("--faults", setting.faults, "Walks that find nothing build the page again");
  verb.add_flag("--guest", setting.guest, "vCPUs enter guest mode before each walk, and hardware walks there");
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
  verb->add_option("--variant", options->variant, "Its name, or all: every one that claims to be safe");
  add_plugin_option(*verb);
  add_system(*verb, *options);

  CLI::Option* exhaustive = verb->add_flag("--exhaustive", options->exhaustive, "Every schedule: the default");
  CLI::Option* preemptions =
      verb->add_option("--preemptions", options->preemptions, "Every schedule with at most so many preemptions instead")
          ->check(CLI::Range(0u, verify::kMostPreemptions));
  CLI::Option* random = verb->add_option("--random", setting.random, "So many random schedules instead");
  exhaustive->excludes(preemptions)->excludes(random);
  preemptions->excludes(random);
  verb->add_option("--seed", setting.seed, "Of the random schedules")->capture_default_str();
  verb->add_option("--max-executions", setting.most_executions, "Give up after so many; 0: never")
      ->capture_default_str();

  verb->add_flag("--weaken-each", options->weaken_each,
                 "Then weaken each barrier, ordering, gate and IPI, one at a time, and tell which are needed");
  verb->add_flag("--mutants", options->mutants, "Then plant bugs, one at a time, and tell which are found");
  verb->add_option("--weaken", options->weaken,
                   "Weaken this site, as --weaken-each names it: FILE:LINE or FILE:LINE:KIND");
  verb->add_option("--mutant", options->mutant, "Plant this bug, as --mutants names it");

  verb->add_option("--save", options->save, "Write the schedule that goes wrong to FILE");
  CLI::Option* replayed =
      verb->add_option("--replay", options->replay, "Run the schedule in FILE again, and nothing else");
  verb->add_option("--json", options->json, "Write the outcome as JSON to FILE; - is stdout");
  for (CLI::Option* option : verb->get_options()) {
    if (option != replayed && option->get_name() != "--help") replayed->excludes(option);
  }
  verb->footer("Exit code 1 if a schedule goes wrong: it is printed, a column a CPU (docs/verify.md).");
  verb->callback([options, preemptions] { run_verify(*options, preemptions->count() != 0); });
}

}  // namespace shadowwalk::cli
