#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "harness/doctor/host.hpp"

namespace shadowwalk::doctor {

enum class State {
  ok,    ///< good for measurements
  note,  ///< the reader of results should know it
  lack   ///< something cannot be measured because of it
};

/// The remedy for a lack or a note: a command, or advice if no command helps. Both empty: nothing needs to be done.
struct Mend {
  std::string command;  ///< one shell command for this user to run, with sudo if it needs root
  std::string advice;
  /// Whichever there is.
  const std::string& text() const { return command.empty() ? advice : command; }
  bool empty() const { return text().empty(); }
};
Mend run(std::string command);
Mend advise(std::string advice);

/// One examined property of the host.
struct Finding {
  std::string subject;  ///< stable: docs/doctor.schema.json has the list
  State state = State::ok;
  std::string value;    ///< what was found, in a few words
  std::string meaning;  ///< its consequence for measurements
  Mend mend;
};

enum class Verdict {
  yes,
  partly,  ///< by an estimate, or with restrictions
  no
};

/// Something that the lab measures, and whether it can do so on this host.
struct Ability {
  std::string name;  ///< stable, like subjects
  Verdict verdict = Verdict::yes;
  std::string how;  ///< how it is measured, or why it cannot be
  Mend mend;
};

std::string_view name_of(State state);      ///< "ok", "note", "lack"
std::string_view name_of(Verdict verdict);  ///< "yes", "partly", "no"

// Findings without their subjects.
Finding ok(std::string value, std::string meaning = "");
Finding note(std::string value, std::string meaning, Mend mend = {});
Finding lack(std::string value, std::string meaning, Mend mend);

/// How a subject is examined. Throws nothing: a value that the host does not report is a finding, too.
struct Examination {
  const char* subject;
  Finding (*examine)(const Host& host);
};
std::vector<Finding> findings_of(const Host& host, std::initializer_list<Examination> examinations);

/// The value of `governor` if the kernel sets no frequencies.
inline constexpr const char* kNoCpufreq = "no cpufreq";

// The examinations, one function per section. Each returns its findings in a fixed order.

std::vector<Finding> examine_machine(
    const Host& host);                                ///< machine, kernel, clock, steal, membarrier, system_calls, aslr
std::vector<Finding> examine_cpus(const Host& host);  ///< cpus, cpu_quota, isolation, smt, governor, boost
std::vector<Finding> examine_floors(const Host& host);  ///< hz, preemption, grace_period, primitives
std::vector<Finding> examine_memory(const Host& host);  ///< memory, memory_limit, numa, thp, huge_pages, ...
std::vector<Finding> examine_counting(
    const Host& host);  ///< pmu, rdpmc, perf_event_paranoid, memory_sampling, perf_pmus
std::vector<Finding> examine_tracing(const Host& host);  ///< tracefs, usdt, tools
std::vector<Finding> examine_kvm(const Host& host);      ///< kvm, kvm_kind, kvm_vcpus, kvm_statistics
/// kernel_module, kernel_build, module_loading, qemu, kernel_images
std::vector<Finding> examine_kernel_cells(const Host& host);
/// The remedy where /dev/kvm does not serve.
Mend mend_kvm(const Host& host);

}  // namespace shadowwalk::doctor
