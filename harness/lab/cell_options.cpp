#include "harness/lab/cell_options.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "harness/machine/placement.hpp"
#include "harness/os/printable.hpp"
#include "harness/text/duration.hpp"

namespace shadowwalk {
namespace {

using nlohmann::json;
using std::chrono::nanoseconds;
using Kind = CellOption::Kind;

/// The value of an option that follows the workload unless it is given.
constexpr std::string_view kAsTheWorkloadSays = "workload";

// How a value of a type is read and written: read() makes one of a text, from_number() of a whole number (of
// nanoseconds, for a time); give() takes text() again; in_result() is what stands in the result.

template <class T>
struct Number {
  static T from_number(std::int64_t number) { return static_cast<T>(number); }
  static std::string text(T value) { return std::to_string(static_cast<std::int64_t>(value)); }
  static json in_plan(T value) { return static_cast<std::int64_t>(value); }
  static json in_result(T value) { return value; }
};

/// None: the workload's own.
struct OptionalNumber {
  using T = std::optional<unsigned>;
  static std::optional<T> read(std::string_view text) {
    return text == kAsTheWorkloadSays ? std::optional<T>(std::in_place) : std::optional<T>();
  }
  static T from_number(std::int64_t number) { return static_cast<unsigned>(number); }
  static std::string text(T value) { return value ? std::to_string(*value) : std::string(kAsTheWorkloadSays); }
  static json in_plan(T value) { return value ? json(*value) : json(kAsTheWorkloadSays); }
  static json in_result(T value) { return value ? json(*value) : json(); }
};

struct Time {
  static nanoseconds from_number(std::int64_t number) { return nanoseconds(number); }
  static std::string text(nanoseconds value) { return exact_duration(value); }
  static json in_result(nanoseconds value) { return std::chrono::duration<double>(value).count(); }
};

struct RcuIntervalText {
  static constexpr std::string_view kOfKernel = "host";
  static std::optional<RcuInterval> read(std::string_view text) {
    return text == kOfKernel ? std::optional(RcuInterval{.time = {}, .of_kernel = true}) : std::nullopt;
  }
  static RcuInterval from_number(std::int64_t number) { return {.time = nanoseconds(number), .of_kernel = false}; }
  static std::string text(const RcuInterval& interval) {
    return interval.of_kernel ? std::string(kOfKernel) : exact_duration(interval.time);
  }
  static json in_result(const RcuInterval& interval) {
    return interval.of_kernel ? json(kOfKernel) : json(interval.time.count());
  }
};

/// Enumerators, by their to_string().
template <auto... Values>
struct Choice {
  using T = std::common_type_t<decltype(Values)...>;
  static std::optional<T> read(std::string_view text) {
    std::optional<T> value;
    ((text == to_string(Values) ? void(value = Values) : void()), ...);
    return value;
  }
  static std::string text(T value) { return to_string(value); }
  static json in_result(T value) { return to_string(value); }
};

struct OffOrFull {
  static std::optional<bool> read(std::string_view text) {
    return text == "full" || text == "off" ? std::optional(text == "full") : std::nullopt;
  }
  static std::string text(bool full) { return full ? "full" : "off"; }
  static json in_result(bool full) { return text(full); }
};

struct Name {
  static std::optional<std::string> read(std::string_view text) { return std::string(text); }
  static std::string text(const std::string& value) { return value; }
  static json in_result(const std::string& value) { return value; }
};

struct PlacementText : Name {
  static std::optional<std::string> read(std::string_view text) {
    const bool is_one =
        text == "auto" || text == "smt" || text == "llc" || text == "numa" || text == "none" || is_cpu_list(text);
    return is_one ? std::optional(std::string(text)) : std::nullopt;
  }
  /// `0,2-3`. Whether the host has these CPUs is checked when the cell is prepared.
  static bool is_cpu_list(std::string_view text) {
    constexpr std::size_t kLongest = 4096;
    if (text.empty() || text.size() > kLongest || text.back() == ',') return false;
    while (!text.empty()) {
      const std::string_view range = text.substr(0, text.find(','));
      const std::size_t dash = range.find('-');
      if (!is_digits(range.substr(0, dash))) return false;
      if (dash != range.npos && !is_digits(range.substr(dash + 1))) return false;
      text.remove_prefix(std::min(text.size(), range.size() + 1));
    }
    return true;
  }
  static bool is_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  }
};

/// `1/N:US`
struct ReadDelayText {
  static std::optional<ReadDelay> read(std::string_view text) {
    if (text == "off") return ReadDelay{};
    if (!text.starts_with("1/")) return std::nullopt;
    const char* const end = text.data() + text.size();
    unsigned one_in = 0;
    unsigned stall_us = 0;
    const auto [colon, wrong_one_in] = std::from_chars(text.data() + 2, end, one_in);
    if (wrong_one_in != std::errc{} || one_in == 0 || one_in > 999'999'999) return std::nullopt;
    if (colon == end || *colon != ':') return std::nullopt;
    const auto [rest, wrong_stall] = std::from_chars(colon + 1, end, stall_us);
    if (wrong_stall != std::errc{} || stall_us > 9'999'999 || rest != end) return std::nullopt;
    ReadDelay delay;
    delay.one_in = one_in;
    delay.stall_us = stall_us;
    return delay;
  }
  static std::string text(const ReadDelay& delay) {
    return delay.on() ? "1/" + std::to_string(delay.one_in) + ":" + std::to_string(delay.stall_us) : "off";
  }
  static json in_result(const ReadDelay& delay) { return to_string(delay); }
};

struct LocalityText {
  using T = std::optional<LocalityKnob>;
  static std::optional<T> read(std::string_view text) {
    if (text == kAsTheWorkloadSays) return T();
    if (text.find_first_of("+-eE", std::min(text.find(':'), text.size())) != text.npos) return std::nullopt;
    const T knob = parse_locality(text);
    if (!knob || knob->stride < 1 || !(knob->zipf_skew > 0 && knob->zipf_skew <= 4)) return std::nullopt;
    return knob;
  }
  static std::string text(const T& knob) { return knob ? to_string(*knob) : std::string(kAsTheWorkloadSays); }
  static json in_result(const T& knob) { return knob ? json(to_string(*knob)) : json(); }
};

/// None: 1, which only a trace takes.
struct PaceText {
  using T = std::optional<replay::Pace>;
  static std::optional<T> read(std::string_view text) {
    const T pace = replay::parse_pace(text);
    return pace ? std::optional<T>(std::in_place, pace) : std::optional<T>();
  }
  static std::string text(const T& pace) { return to_string(pace.value_or(replay::Pace())); }
  static json in_result(const T&) { return {}; }  // the replay's part of the result has it
};

/// The config's empty text: what runs here.
struct KernelText : Name {
  static constexpr std::string_view kRunning = "running";
  static std::optional<std::string> read(std::string_view text) {
    if (text.empty() || os::printable(text) != text) return std::nullopt;
    return text == kRunning ? std::string() : std::string(text);
  }
  static std::string text(const std::string& kernel) { return kernel.empty() ? std::string(kRunning) : kernel; }
  static json in_result(const std::string& kernel) { return kernel.empty() ? json() : json(kernel); }
};

/// The config's empty text counts nothing.
struct EventsText : Name {
  static std::optional<std::string> read(std::string_view text) { return text == "none" ? "" : std::string(text); }
  static std::string text(const std::string& events) { return events.empty() ? "none" : events; }
};

template <auto Member>
using ValueOf = std::remove_cvref_t<decltype(CellConfig{}.*Member)>;

/// Completes a row with what reads and writes the member of a CellConfig that it is about.
template <auto Member, class How = Number<ValueOf<Member>>>
CellOption about(CellOption row) {
  if constexpr (requires { How::read(std::string_view()); }) {
    row.read = [](CellConfig& config, std::string_view text) {
      auto value = How::read(text);
      if (value) config.*Member = std::move(*value);
      return value.has_value();
    };
  }
  if constexpr (requires { How::from_number(std::int64_t()); }) {
    row.store = [](CellConfig& config, std::int64_t number) { config.*Member = How::from_number(number); };
  }
  row.text = [](const CellConfig& config) { return How::text(config.*Member); };
  row.in_plan = [](const CellConfig& config) {
    if constexpr (requires { How::in_plan(config.*Member); }) {
      return How::in_plan(config.*Member);
    } else {
      return json(How::text(config.*Member));
    }
  };
  row.in_result = [](const CellConfig& config) { return How::in_result(config.*Member); };
  row.copy = [](CellConfig& to, const CellConfig& from) { to.*Member = from.*Member; };
  return row;
}

std::vector<CellOption> make_table() {
  return {
      about<&CellConfig::variant, Name>({.key = "variant",
                                         .kind = Kind::variant,
                                         .help = "The reclamation scheme (`shadowwalk list variants`)",
                                         .field = "variant",
                                         .always_named = true,
                                         .of_scheme = true}),
      about<&CellConfig::workload, Name>(
          {.key = "workload",
           .kind = Kind::workload,
           .help = "What guest and host do: a name (`shadowwalk list workloads`), a file of your own such as "
                   "./mine.toml, or trace:FILE, which replays the trace of a real host",
           .field = "workload",
           .always_named = true}),
      about<&CellConfig::vcpus>({.key = "vcpus",
                                 .kind = Kind::number,
                                 .help = "vCPUs, with one walker thread each",
                                 .minimum = 1,
                                 .maximum = 1024,
                                 .field = "vcpus",
                                 .always_named = true}),
      about<&CellConfig::zappers>(
          {.key = "zappers",
           .kind = Kind::number,
           .help = "Threads that zap; without this option none where the workload has no work for them",
           .minimum = 0,
           .maximum = 1024,
           .field = "zappers",
           .always_named = true}),
      about<&CellConfig::zap_rate>({.key = "zap-rate",
                                    .kind = Kind::number,
                                    .help = "Zaps per second, all zappers together, open loop",
                                    .minimum = 1,
                                    .maximum = 10'000'000,
                                    .field = "zap_rate",
                                    .always_named = true}),
      about<&CellConfig::walks_per_exit>({.key = "walks-per-exit",
                                          .kind = Kind::number,
                                          .help = "Accesses per guest exit; 1 is one MMIO exit per walk, as in the "
                                                  "kernel; more go through a ring and one doorbell",
                                          .minimum = 1,
                                          .maximum = 65536,
                                          .field = "walks_per_exit",
                                          .label = "burst",
                                          .always_named = true}),
      about<&CellConfig::walk_mode, Choice<WalkMode::throughput, WalkMode::latency>>(
          {.key = "walk-mode",
           .help =
               "throughput: the walks of a burst may overlap in the CPU; latency: none begins before the one before "
               "it has read its leaf, as where each walk follows an exit",
           .accepted = "throughput|latency",
           .field = "walk_mode",
           .not_simulated = "simulated walks never overlap"}),
      about<&CellConfig::machine, Choice<MachineKind::user, MachineKind::kernel, MachineKind::kernel_vm>>(
          {.key = "machine",
           .help = "Where walkers and zappers run: user: in this process; kernel: in the running kernel, by its module "
                   "(`shadowwalk kernel load`); kernel-vm: in a kernel that is booted for them in a virtual machine",
           .accepted = "user|kernel|kernel-vm",
           .field = "machine",
           .named_if_given = true,
           .not_simulated = "the machine is simulated"}),
      about<&CellConfig::kernel, KernelText>(
          {.key = "kernel",
           .help = "--machine kernel-vm only: what it boots: a directory with vmlinuz and modules, a .deb of such a "
                   "kernel, or running: the image of the kernel that runs here",
           .accepted = "running, or the name of a directory or a .deb",
           .field = "kernel",
           .named_if_given = true,
           .not_simulated = "the machine is simulated"}),
      about<&CellConfig::guest, Choice<GuestKind::automatic, GuestKind::kvm, GuestKind::thread, GuestKind::trace>>(
          {.key = "guest",
           .help = "kvm: real vCPUs; thread: the same program as ordinary code; trace: the accesses of trace:FILE; "
                   "auto: the trace if there is one, else kvm where it runs, else thread",
           .accepted = "auto|kvm|thread|trace",
           .field = "guest",
           .always_named = true,
           .not_simulated = "the guest is simulated"}),
      about<&CellConfig::placement, PlacementText>(
          {.key = "placement",
           .help = "Where threads run: auto, smt, llc, numa, none (the scheduler decides) or a CPU list such as 0,2-3",
           .accepted = kPlacementChoices,
           .field = "placement",
           .always_named = true,
           .not_simulated = "each simulated thread has the next CPU of --topology"}),
      about<&CellConfig::think_ns>({.key = "think-ns",
                                    .kind = Kind::number,
                                    .help = "Thread guests only: nanoseconds that a vCPU spins between two bursts, so "
                                            "that readers have a duty cycle as in a kernel",
                                    .minimum = 0,
                                    .maximum = 1'000'000'000,
                                    .field = "think_ns",
                                    .not_simulated = "a simulated guest's own work is in its --topology"}),
      about<&CellConfig::mmu_lock, Choice<MmuLockKind::ticket, MmuLockKind::mutex, MmuLockKind::rwlock>>(
          {.key = "mmu-lock",
           .help = "ticket (fair), mutex, or, in a kernel only, rwlock: the kernel's own, as KVM's",
           .accepted = "ticket|mutex|rwlock",
           .field = "mmu_lock"}),
      about<&CellConfig::duration, Time>({.key = "duration",
                                          .kind = Kind::time,
                                          .help = "The measured window",
                                          .minimum = 1'000'000,
                                          .field = "duration_s"}),
      about<&CellConfig::warmup, Time>(
          {.key = "warmup", .kind = Kind::time, .help = "The time before the window", .field = "warmup_s"}),
      about<&CellConfig::seed>({.key = "seed",
                                .kind = Kind::number,
                                .help = "Seed of the accesses",
                                .minimum = 0,
                                .maximum = std::numeric_limits<std::int64_t>::max(),
                                .field = "seed"}),
      about<&CellConfig::rcu_interval, RcuIntervalText>(
          {.key = "rcu-interval",
           .kind = Kind::time,
           .help =
               "Grace periods begin at multiples of this time (0: at once), or host: each also waits for one of the "
               "running kernel, as its own call_rcu() does",
           .accepted = "a time such as 4ms or 0, or host",
           .field = "rcu_interval_ns",
           .of_scheme = true}),
      about<&CellConfig::full_checks, OffOrFull>(
          {.key = "checks",
           .help = "full: check the identity of each table at each level; slower, so not when timing",
           .accepted = "off|full",
           .field = "checks",
           .of_scheme = true,
           .not_simulated = "simulated walks are timed ones; `shadowwalk verify` checks everything"}),
      about<&CellConfig::read_delay, ReadDelayText>(
          {.key = "read-delay",
           .help = "1/N:US: one walk in N stalls US microseconds between two levels; off; without this option a "
                   "negative control has 1/1000:50",
           .accepted = "off, or 1/N:US such as 1/1000:50 (one read in N waits for US microseconds)",
           .field = "read_delay",
           .of_scheme = true}),
      about<&CellConfig::instrumentation, Choice<Instrumentation::none, Instrumentation::light, Instrumentation::full>>(
          {.key = "instrumentation",
           .help = "none: counts only; light: also clocks bursts, zaps and frees; full: also samples single walks and "
                   "sections",
           .accepted = "none|light|full",
           .field = "instrumentation",
           .not_simulated = "instrumentation takes no simulated time"}),
      about<&CellConfig::working_set>({.key = "working-set",
                                       .kind = Kind::number,
                                       .help = "Pages of 4 KiB that the guest works on; some workloads have a larger "
                                               "default",
                                       .minimum = 1,
                                       .maximum = std::int64_t{1} << 36,
                                       .field = "working_set_pages"}),
      about<&CellConfig::locality, LocalityText>(
          {.key = "locality",
           .help = "How uniform, stride and zipf streams pick pages: uniform, stride:N (N pages from one access to the "
                   "next), zipf:S (rank r with a probability near 1/r^S, 0 < S <= 4), or workload: its own way",
           .accepted = "workload (its own), uniform, stride:N with N >= 1, or zipf:S with 0 < S <= 4",
           .field = "locality"}),
      about<&CellConfig::write_percent, OptionalNumber>({.key = "writes",
                                                         .kind = Kind::number,
                                                         .help = "Percentage of accesses to RAM that are stores, or "
                                                                 "workload: its own",
                                                         .minimum = 0,
                                                         .maximum = 100,
                                                         .field = "write_percent"}),
      about<&CellConfig::pace, PaceText>(
          {.key = "speed",
           .help = "For trace:FILE: 0.001 to 1000 divides the times between its events; closed-loop: each thread goes "
                   "from one event to the next without waiting",
           .accepted = "closed-loop, or a number from 0.001 to 1000",
           .not_simulated = "no trace is replayed on the simulated machine"}),
      about<&CellConfig::events, EventsText>(
          {.key = "events",
           .kind = Kind::events,
           .help = "none, or what to count: events and sets (default, contention, cache, tlb, branch), separated by "
                   "commas; `shadowwalk list events` shows them",
           .field = "events",
           .not_simulated = "the simulated machine has no performance counters"}),
  };
}

}  // namespace

const std::vector<CellOption>& cell_options() {
  static const std::vector<CellOption> table = make_table();
  return table;
}

const CellOption* find_cell_option(std::string_view key) {
  const auto& table = cell_options();
  const auto found = std::find_if(table.begin(), table.end(), [&](const CellOption& row) { return row.key == key; });
  return found == table.end() ? nullptr : &*found;
}

json describe_cell(const CellConfig& config) {
  json cell = json::object();
  for (const CellOption& option : cell_options()) {
    if (option.field.empty()) continue;
    if (json value = option.in_result(config); !value.is_null()) cell[std::string(option.field)] = std::move(value);
  }
  return cell;
}

}  // namespace shadowwalk
