#include "harness/host/kernel_facts.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <charconv>
#include <ctime>
#include <sstream>
#include <string_view>
#include <utility>

#include "harness/host/kernel_config.hpp"

namespace shadowwalk::host {
namespace {

constexpr std::pair<const char*, const char*> kPreemptionOptions[] = {{"CONFIG_PREEMPT_RT", "rt"},
                                                                      {"CONFIG_PREEMPT_NONE", "none"},
                                                                      {"CONFIG_PREEMPT_VOLUNTARY", "voluntary"},
                                                                      {"CONFIG_PREEMPT_LAZY", "lazy"},
                                                                      {"CONFIG_PREEMPT", "full"}};

std::string preemption_of(const KernelConfig& config) {
  for (const auto& [option, model] : kPreemptionOptions) {
    if (config.is_set(option)) return model;
  }
  return {};
}

/// Whether `text` has `word` between white space.
bool has_word(const std::string& text, std::string_view word) {
  std::istringstream words(text);
  for (std::string next; words >> next;) {
    if (next == word) return true;
  }
  return false;
}

/// The value of a parameter on the kernel's command line, where later ones win: empty for `NAME` alone; nothing if it
/// is not there.
std::optional<std::string> boot_parameter(const os::HostFiles& files, const std::string& name) {
  std::istringstream words(files.read("/proc/cmdline").value_or(""));
  std::optional<std::string> value;
  for (std::string word; words >> word && word != "--";) {
    if (word == name) value = "";
    if (word.starts_with(name + "=")) value = word.substr(name.size() + 1);
  }
  return value;
}

/// Whether call_rcu() holds callbacks back before it asks for a grace period: where it is built in and on, and then for
/// CPUs whose callbacks are offloaded (kernel/rcu/tree_nocb.h, Linux 6.2).
bool has_lazy_callbacks(const os::HostFiles& files, const KernelConfig& config) {
  const bool offloads = config.is_set("CONFIG_RCU_NOCB_CPU_DEFAULT_ALL") || boot_parameter(files, "rcu_nocbs") ||
                        boot_parameter(files, "nohz_full");
  return offloads && files.read("/sys/module/rcutree/parameters/enable_rcu_lazy") == "Y";
}

/// "voluntary" of "none (voluntary) full"; empty if nothing is chosen.
std::string chosen_in_brackets(const std::string& choices) {
  const std::size_t open = choices.find('('), close = choices.find(')', open);
  return close == std::string::npos ? std::string() : choices.substr(open + 1, close - open - 1);
}

struct Known {
  std::string value;
  std::string source;
};

Known preemption(const os::HostFiles& files, const std::string& version, const KernelConfig& config) {
  constexpr const char* kChosen = "/sys/kernel/debug/sched/preempt";
  if (has_word(version, "PREEMPT_RT")) return {"rt", "uname -v"};
  if (std::string model = chosen_in_brackets(files.read(kChosen).value_or("")); !model.empty()) {
    return {std::move(model), kChosen};
  }
  if (has_word(version, "PREEMPT_DYNAMIC")) {
    // Chosen at boot: it could have been changed since, which only debugfs would tell.
    if (auto model = boot_parameter(files, "preempt"); model && !model->empty()) {
      return {std::move(*model), "preempt= at boot"};
    }
  } else if (has_word(version, "PREEMPT_LAZY")) {
    return {"lazy", "uname -v"};
  } else if (has_word(version, "PREEMPT")) {
    return {"full", "uname -v"};
  }
  return {preemption_of(config), config.source()};
}

/// Kernels have had ticks from 24 to 1,200 times per second; beyond that, the clock is no tick's (gVisor's is not).
std::optional<unsigned> hz(std::uint64_t tick_ns, const KernelConfig& config) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  if (tick_ns >= kSecond / 2000 && tick_ns <= kSecond / 20) {
    return static_cast<unsigned>((kSecond + tick_ns / 2) / tick_ns);
  }
  const std::string text = config.value("CONFIG_HZ").value_or("");
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

std::optional<bool> flag(const os::HostFiles& files, const char* path) {
  const auto number = files.read_number(path);
  return number ? std::optional(*number != 0) : std::nullopt;
}

}  // namespace

std::string why_unavailable(const Unavailable& unavailable, const std::string& name) {
  const auto found = unavailable.find(name);
  return found == unavailable.end() ? "not reported" : found->second;
}

KernelAnswers ask_kernel() {
  utsname name{};
  uname(&name);
  timespec tick{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  return {.release = name.release,
          .version = name.version,
          .coarse_resolution_ns =
              static_cast<std::uint64_t>(tick.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(tick.tv_nsec)};
}

std::string lockdown_mode(const os::HostFiles& files) {
  // "none [integrity] confidentiality"
  const std::string modes = files.read("/sys/kernel/security/lockdown").value_or("");
  const std::size_t open = modes.find('[');
  const std::size_t close = modes.find(']');
  if (open == modes.npos || close == modes.npos || close < open) return {};
  const std::string mode = modes.substr(open + 1, close - open - 1);
  return mode == "none" ? std::string() : mode;
}

KernelFacts kernel_facts(const os::HostFiles& files, const KernelAnswers& answers) {
  const KernelConfig config = KernelConfig::read(files, answers.release);
  const std::string no_config = "no configuration of this kernel is readable (/proc/config.gz, /boot/config-*)";
  KernelFacts facts;
  facts.release = answers.release;
  facts.hz = hz(answers.coarse_resolution_ns, config);
  if (!facts.hz) facts.unavailable["hz"] = "the coarse clock is no tick's, and " + no_config;
  Known model = preemption(files, answers.version, config);
  if (model.value.empty()) {
    facts.unavailable["preemption"] =
        config.source().empty() ? "the kernel's version does not say it, debugfs is not readable, and " + no_config
                                : config.source() + " has none of the known models";
  } else {
    facts.preemption = std::move(model.value);
    facts.preemption_source = std::move(model.source);
  }
  facts.rcu_expedited = flag(files, "/sys/kernel/rcu_expedited");
  if (!facts.rcu_expedited) facts.unavailable["rcu_expedited"] = "/sys/kernel/rcu_expedited is not readable";
  facts.rcu_normal = flag(files, "/sys/kernel/rcu_normal");
  facts.nohz_full = nohz_full_cpus(files);
  facts.has_lazy_callbacks = has_lazy_callbacks(files, config);
  return facts;
}

std::string nohz_full_cpus(const os::HostFiles& files) {
  const std::string cpus = files.read("/sys/devices/system/cpu/nohz_full").value_or("");
  return cpus == "(null)" ? std::string() : cpus;
}

}  // namespace shadowwalk::host
