#include "harness/cli/vm_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/cli/arguments.hpp"
#include "harness/kernel/cell_abi.hpp"
#include "harness/kernel/kernel_cell.hpp"
#include "harness/kernel/module_build.hpp"
#include "harness/lab/page_budget.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/os/files.hpp"
#include "harness/os/notice.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::cli {
namespace {

constexpr const char* kResult = "/tmp/result.json";

/// What QEMU emulates takes longer to set up and to tear down.
constexpr int kSlowerByEmulation = 3;

/// The words for the machine: its own command, the result where it can be read, and no name of a file of this host.
kernel::VmJob job_of(const CellRequest& request, std::vector<std::string> words, std::chrono::nanoseconds limit) {
  kernel::VmJob job{.words = {}, .files = {}, .result_file = kResult, .limit = {}};
  words.front() = kernel::in_vm::kCommand;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--json") words[i + 1] = kResult;
    if (words[i] == "--workload" && is_file_or_trace(request.config.workload)) {
      const auto file = std::filesystem::path("/tmp/workload") / std::filesystem::path(words[i + 1]).filename();
      job.files[file.string()] = os::read_file(request.config.workload);
      words[i + 1] = file.string();
    }
  }
  job.words = std::move(words);
  job.limit = std::chrono::ceil<std::chrono::milliseconds>(limit);
  return job;
}

run::ChildResult to_child(const kernel::VmOutcome& outcome, const std::filesystem::path& json) {
  using Kind = kernel::VmOutcome::Kind;
  run::ChildResult child;
  switch (outcome.kind) {
    case Kind::interrupted:
      child.end = run::ChildEnd::kInterrupted;
      return child;
    case Kind::crashed:
    case Kind::hung:
      child.end = outcome.kind == Kind::crashed ? run::ChildEnd::kKernelCrashed : run::ChildEnd::kKernelHung;
      child.last_line = outcome.last_words;
      child.console = outcome.console;
      return child;
    case Kind::ended:
      break;
  }
  const kernel::VmJobEnd& end = outcome.end;
  child.end = end.timed_out     ? run::ChildEnd::kTimedOut
              : end.signal != 0 ? run::ChildEnd::kSignalled
                                : run::ChildEnd::kExited;
  child.exit_code = end.exit_code;
  child.signal = end.signal;
  child.last_line = os::last_line(end.output);
  child.output = end.output;
  if (end.result && !json.empty()) os::write_file(json, *end.result);
  return child;
}

}  // namespace

void VmCells::expect(const CellRequest& request) {
  check_kernel_cell(request);
  CellRequest decided = request;
  const Workload workload = load_workload(request.config.workload);
  follow_workload(decided, workload);
  const CellConfig& config = decided.config;
  const kernel::PoolPages pages = kernel::pool_pages(config, workload, page_budget(config, workload));
  const auto mib = [&](double shadow_pages) {
    constexpr double kPage = kPageBytes + 256;  // with its description
    constexpr double kOfWhatIsFree = 0.4;       // a little less than the half of it that a cell may take
    constexpr double kMibPerThread = 1;         // stacks, histograms, bursts
    return static_cast<std::uint64_t>(
        std::ceil(shadow_pages * kPage / kOfWhatIsFree / (1 << 20) + kMibPerThread * (config.vcpus + config.zappers)));
  };
  Needs& needs = needs_[config.kernel];
  needs.cpus = std::max(needs.cpus, config.vcpus + 1);
  needs.memory.least_mib = std::max(needs.memory.least_mib, mib(pages.least));
  needs.memory.wanted_mib = std::max(needs.memory.wanted_mib, mib(pages.wanted));
}

run::ChildResult VmCells::run(const CellRequest& request, const std::vector<std::string>& words,
                              const std::filesystem::path& json, std::chrono::nanoseconds limit, int stop_fd) {
  const auto start = std::chrono::steady_clock::now();
  kernel::VmSession& session = session_of(request.config.kernel);
  run::ChildResult child;
  if (!session.boot(stop_fd)) {
    child.end = run::ChildEnd::kInterrupted;
    return child;
  }
  const auto most = session.accelerator() == kernel::Accelerator::tcg ? limit * kSlowerByEmulation : limit;
  child = to_child(session.run(job_of(request, words, most), stop_fd), json);
  child.elapsed = std::chrono::steady_clock::now() - start;
  return child;
}

bool VmCells::is_emulated(const CellRequest& request) const {
  const auto session = sessions_.find(request.config.kernel);
  if (session == sessions_.end()) return !kernel::why_no_kvm_here().empty();
  return session->second->accelerator() == kernel::Accelerator::tcg;
}

kernel::VmSession& VmCells::session_of(const std::string& kernel) {
  std::unique_ptr<kernel::VmSession>& session = sessions_[kernel];
  if (session == nullptr) session = make_vm_session(kernel, needs_[kernel].cpus, needs_[kernel].memory);
  return *session;
}

std::unique_ptr<kernel::VmSession> make_vm_session(const std::string& kernel, unsigned cpus,
                                                   const kernel::VmMemory& memory) {
  const auto note = [](const std::string& line) { os::notice(line); };
  kernel::KernelImage image = kernel::find_kernel_image(kernel);
  const auto module = kernel::build_module(find_module_source(), image.release, image.tree, note);
  auto session = std::make_unique<kernel::VmSession>(
      kernel::VmSession::Setup{.image = std::move(image),
                               .content = {.command = "/proc/self/exe", .module = module},
                               .cpus = cpus,
                               .memory = memory,
                               .notice = note});
  if (!kernel::why_no_kvm_here().empty()) {
    note(fmt::format("--machine kernel-vm: QEMU emulates the kernel, since {}: it is checked, and not timed",
                     kernel::why_no_kvm_here()));
  }
  return session;
}

bool needs_virtual_machine(const CellConfig& config) {
  return config.machine == MachineKind::kernel_vm && kernel::accelerator_around().empty();
}

}  // namespace shadowwalk::cli
