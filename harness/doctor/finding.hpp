#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/doctor/host.hpp"

namespace shadowwalk::doctor {

enum class State {
  ok,    ///< as a measurement wants it
  note,  ///< to be known when results are read
  lack   ///< something cannot be measured for it
};

/// What to do about a lack or a note: a command, or words where no command helps. Both empty: nothing is to be done.
struct Mend {
  std::string command;  ///< one shell command, as this user would run it (with sudo where it takes root)
  std::string advice;
  bool empty() const { return command.empty() && advice.empty(); }
};

/// One thing that was looked at.
struct Finding {
  std::string subject;  ///< stable: docs/doctor.schema.json has the list
  State state = State::ok;
  std::string value;    ///< what is there, in a few words
  std::string meaning;  ///< what that means to the lab
  Mend mend;
};

enum class Verdict {
  yes,
  partly,  ///< an estimate, or less than usual
  no
};

/// One thing that the lab measures, and whether it can here.
struct Ability {
  std::string name;  ///< stable, as subjects are
  Verdict verdict = Verdict::yes;
  std::string how;  ///< how it is measured, or why it cannot be
  Mend mend;
};

std::string_view name_of(State state);      ///< "ok", "note", "lack"
std::string_view name_of(Verdict verdict);  ///< "yes", "partly", "no"

/// What the doctor looks at, a file a section. Each returns its findings in a fixed order and throws nothing: what the
/// host does not tell is a finding, too.

/// The value of `governor` where the kernel sets no frequencies.
inline constexpr const char* kNoCpufreq = "no cpufreq";

std::vector<Finding> examine_machine(const Host& host);  ///< machine, kernel, clock, steal, membarrier, aslr
std::vector<Finding> examine_cpus(const Host& host);     ///< cpus, cpu_quota, isolation, smt, governor, boost
std::vector<Finding> examine_memory(const Host& host);   ///< memory, memory_limit, numa, thp, huge_pages, ...
std::vector<Finding> examine_counting(
    const Host& host);  ///< pmu, rdpmc, perf_event_paranoid, memory_sampling, perf_pmus
std::vector<Finding> examine_tracing(const Host& host);  ///< tracefs, usdt, tools
std::vector<Finding> examine_kvm(const Host& host);      ///< kvm, kvm_kind, kvm_vcpus, kvm_statistics

}  // namespace shadowwalk::doctor
