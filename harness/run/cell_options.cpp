#include "harness/run/cell_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <regex>

#include "harness/measure/pmu/event_list.hpp"
#include "harness/replay/trace_guest.hpp"
#include "harness/text/duration.hpp"
#include "harness/text/suggestion.hpp"

namespace shadowwalk::run {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::optional<std::string> check_name(std::string_view kind, std::string_view value,
                                      const std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), value) != names.end()) return std::nullopt;
  return fmt::format("unknown {} '{}'{} known: {}", kind, value, suggestion(value, names), fmt::join(names, " "));
}

std::optional<std::string> check_integer(const CellOption& option, std::string_view value) {
  if (value == option.fallback) return std::nullopt;  // it may be a word
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error == std::errc{} && end == value.data() + value.size() && number >= option.minimum &&
      number <= option.maximum) {
    return std::nullopt;
  }
  return fmt::format("{} is {}; it must be a whole number from {} to {}", option.key, value, option.minimum,
                     option.maximum);
}

}  // namespace

const std::vector<CellOption>& cell_option_table() {
  using enum OptionType;
  static const std::vector<CellOption> table = {
      {.key = "variant",
       .type = kVariant,
       .fallback = "",
       .help = "The reclamation scheme (`shadowwalk list variants`)"},
      {.key = "workload",
       .type = kWorkload,
       .fallback = "",
       .help = "What guest and host do (`shadowwalk list workloads`), a file of your own, ./mine.toml, or trace:FILE, "
               "the trace "
               "of a real host to replay"},
      {.key = "vcpus",
       .type = kInteger,
       .fallback = "1",
       .minimum = 1,
       .maximum = 1024,
       .help = "vCPUs, one walker thread each: 1 to 1024"},
      {.key = "zappers",
       .type = kInteger,
       .fallback = "1",
       .minimum = 0,
       .maximum = 1024,
       .help = "Threads that zap: 0 to 1024"},
      {.key = "zap-rate",
       .type = kInteger,
       .fallback = "1000",
       .minimum = 1,
       .maximum = 10'000'000,
       .help = "Zaps a second, all zappers together, open loop"},
      {.key = "walks-per-exit",
       .type = kInteger,
       .fallback = "1024",
       .minimum = 1,
       .maximum = 65536,
       .help =
           "Accesses a guest exit: 1 is an MMIO exit a walk, as in the kernel; more go through a ring and a doorbell"},
      {.key = "guest",
       .type = kChoice,
       .fallback = "auto",
       .accepted = "auto|kvm|thread|trace",
       .help = "auto, kvm or thread: real vCPUs, or the same program as ordinary code; trace: that of trace:FILE"},
      {.key = "placement",
       .type = kPattern,
       .fallback = "auto",
       .accepted = "auto, smt, llc, numa or a list of CPUs such as 0,2-3",
       .pattern = "auto|smt|llc|numa|[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*",
       .help = "Where threads run: auto, smt, llc, numa or a CPU list such as 0,2-3"},
      {.key = "mmu-lock",
       .type = kChoice,
       .fallback = "ticket",
       .accepted = "ticket|mutex",
       .help = "ticket (fair) or mutex"},
      {.key = "duration", .type = kDuration, .fallback = "2s", .help = "The measured window"},
      {.key = "warmup", .type = kDuration, .fallback = "500ms", .help = "Before it"},
      {.key = "seed",
       .type = kInteger,
       .fallback = "1",
       .minimum = 0,
       .maximum = INT64_MAX,
       .help = "Of the access stream"},
      {.key = "rcu-interval",
       .type = kDuration,
       .fallback = "0",
       .help = "Grace periods begin at multiples of this; 0: at once"},
      {.key = "checks",
       .type = kChoice,
       .fallback = "off",
       .accepted = "off|full",
       .help = "off, or full: identity of each table at each level; slower, so not when timing"},
      {.key = "read-delay",
       .type = kPattern,
       .fallback = "off",
       .accepted = "off, or 1/N:US such as 1/1000:50 (one read in N waits for US microseconds)",
       .pattern = "off|1/[1-9][0-9]{0,8}:[0-9]{1,7}",
       .help = "off, or 1/N:US: one walk in N stalls US microseconds between two levels"},
      {.key = "instrumentation",
       .type = kChoice,
       .fallback = "full",
       .accepted = "none|light|full",
       .help = "none: counts only; light: clocks bursts, zaps, frees; full: samples single walks and sections too"},
      {.key = "working-set",
       .type = kInteger,
       .fallback = "4096",
       .minimum = 1,
       .maximum = std::int64_t{1} << 36,
       .help = "Pages of 4 KiB that the guest works on; some workloads have a larger default"},
      {.key = "locality",
       .type = kPattern,
       .fallback = kAsTheWorkloadSays,
       .accepted = "workload (its own), uniform, stride:N with N >= 1, or zipf:S with 0 < S <= 4",
       .pattern = "workload|uniform|stride:[1-9][0-9]{0,10}|zipf:(?=.*[1-9])([0-3](\\.[0-9]{1,9})?|4(\\.0{1,9})?)",
       .help = "How uniform, stride and zipf streams pick pages: uniform, stride:N (pages from one access to the next) "
               "or zipf:S (rank r with a probability near 1/r^S)"},
      {.key = "writes",
       .type = kInteger,
       .fallback = kAsTheWorkloadSays,
       .minimum = 0,
       .maximum = 100,
       .help = "Of the accesses to RAM, the percentage that are stores: 0 to 100"},
      {.key = "speed",
       .type = kPattern,
       .fallback = "1",
       .accepted = "closed-loop, or a number from 0.001 to 1000",
       .pattern = "closed-loop|(?=.*[1-9])[0-9]{1,3}(\\.[0-9]{1,3})?|1000(\\.0{1,3})?",
       .help =
           "Of trace:FILE: 0.001 to 1000 divides the times between its events; closed-loop: each thread does its next "
           "event as soon as it is done with the last"},
      {.key = "events",
       .type = kEvents,
       .fallback = "none",
       .help =
           "none, or what to count: events and sets (default, contention, cache, tlb, branch), separated by commas; "
           "`shadowwalk list events` tells what there is"},
  };
  return table;
}

const CellOption* find_cell_option(std::string_view key) {
  const auto& table = cell_option_table();
  const auto found = std::find_if(table.begin(), table.end(), [&](const CellOption& row) { return row.key == key; });
  return found == table.end() ? nullptr : &*found;
}

std::optional<std::string> check_value(const CellOption& option, std::string_view value, const KnownNames& known) {
  switch (option.type) {
    case OptionType::kVariant:
      return check_name("variant", value, known.variants);
    case OptionType::kWorkload:
      if ((value.find_first_of("./") != value.npos || replay::trace_file(value)) && known.check_workload_file)
        return known.check_workload_file(value);
      return check_name("workload", value, known.workloads);
    case OptionType::kInteger:
      return check_integer(option, value);
    case OptionType::kDuration: {
      const auto duration = parse_duration(value);
      if (!duration) {
        return fmt::format("{} is '{}'; it must be a time such as 2s, 500ms, 50us or 0, at most 24 hours", option.key,
                           value);
      }
      if (option.key == "duration" && *duration < std::chrono::milliseconds{1}) {
        return fmt::format("duration is '{}'; a cell measures for 1ms at least", value);
      }
      return std::nullopt;
    }
    case OptionType::kChoice: {
      const auto choices = split(option.accepted, '|');
      if (std::find(choices.begin(), choices.end(), value) != choices.end()) return std::nullopt;
      return fmt::format("{} is '{}'; it must be one of {}", option.key, value, fmt::join(choices, " "));
    }
    case OptionType::kPattern: {
      const std::regex pattern{option.pattern.begin(), option.pattern.end()};
      if (value.size() <= 4096 && std::regex_match(value.begin(), value.end(), pattern)) return std::nullopt;
      return fmt::format("{} is '{}'; it must be {}", option.key, value.substr(0, 60), option.accepted);
    }
    case OptionType::kEvents: {
      const auto wrong = value == option.fallback ? std::nullopt : pmu::event_list_error(value);
      return wrong ? std::optional(fmt::format("{} {}", option.key, *wrong)) : std::nullopt;
    }
  }
  return fmt::format("{} has no type", option.key);
}

std::string_view effective_value(const CellOptions& options, std::string_view key) {
  if (const auto found = options.find(key); found != options.end()) return found->second;
  const CellOption* option = find_cell_option(key);
  return option == nullptr ? std::string_view{} : option->fallback;
}

std::vector<std::string> command_line(const CellOptions& options) {
  std::vector<std::string> arguments;
  for (const CellOption& option : cell_option_table()) {
    if (const auto found = options.find(option.key); found != options.end()) {
      arguments.push_back(fmt::format("--{}", option.key));
      arguments.push_back(found->second);
    }
  }
  return arguments;
}

std::string cell_name(const CellOptions& options, const std::vector<std::string>& more_keys) {
  static constexpr std::string_view kNamed[] = {"variant",  "workload",       "vcpus", "zappers",
                                                "zap-rate", "walks-per-exit", "guest", "placement"};
  const auto value = [&](std::string_view key) { return effective_value(options, key); };
  // A file goes by its stem: slashes part a name's fields.
  const auto stem = [](std::string_view file) { return std::filesystem::path(file).stem().string(); };
  const auto trace = replay::trace_file(value("workload"));
  const std::string workload = trace ? "trace:" + stem(*trace) : stem(value("workload"));
  std::string name =
      fmt::format("{}/{}/vcpus:{}/zappers:{}/zap_rate:{}/burst:{}/guest:{}/placement:{}", value("variant"), workload,
                  value("vcpus"), value("zappers"), trace ? "trace" : value("zap-rate"), value("walks-per-exit"),
                  value("guest"), value("placement"));
  for (const std::string& key : more_keys) {
    if (std::find(std::begin(kNamed), std::end(kNamed), key) != std::end(kNamed)) continue;
    std::string label = key;
    std::replace(label.begin(), label.end(), '-', '_');
    name += fmt::format("/{}:{}", label, value(key));
  }
  return name;
}

std::chrono::nanoseconds measuring_time(const CellOptions& options) {
  return parse_duration(effective_value(options, "duration")).value_or(std::chrono::nanoseconds{0}) +
         parse_duration(effective_value(options, "warmup")).value_or(std::chrono::nanoseconds{0});
}

}  // namespace shadowwalk::run
