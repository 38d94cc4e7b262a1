#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/kernel/vm_session.hpp"
#include "harness/lab/cell_request.hpp"
#include "harness/run/runner.hpp"

namespace shadowwalk::cli {

/// Cells of --machine kernel-vm: one virtual machine per kernel, which all of its cells share. Main thread only.
class VmCells {
 public:
  /// Adds a cell that will be run: each machine gets as many CPUs as its largest cell has vCPUs, and one, and the
  /// memory that its cells need. Throws InputError if no kernel has such a cell, or this host not the memory.
  void expect(const CellRequest& request);

  /// Runs `words` (`shadowwalk cell ...`, without what names its result) of such a cell; as run::RunElsewhere does,
  /// which the rest is of. Builds the module and boots the machine where that was not done yet.
  run::ChildResult run(const CellRequest& request, const std::vector<std::string>& words,
                       const std::filesystem::path& json, std::chrono::nanoseconds limit, int stop_fd);

  /// Whether such a cell is emulated, as far as is known before its machine has booted: nothing of it is timed.
  bool is_emulated(const CellRequest& request) const;

 private:
  struct Needs {
    unsigned cpus = 2;
    kernel::VmMemory memory;
  };
  kernel::VmSession& session_of(const std::string& kernel);

  std::map<std::string, Needs> needs_;  ///< by CellConfig::kernel
  std::map<std::string, std::unique_ptr<kernel::VmSession>> sessions_;
};

/// A machine with this command and the module, which is built where it was not yet. `kernel`: as `--kernel`. Throws
/// InputError.
std::unique_ptr<kernel::VmSession> make_vm_session(const std::string& kernel, unsigned cpus,
                                                   const kernel::VmMemory& memory);

/// Whether a cell must be run by VmCells: not in a process that is in the virtual machine already.
bool needs_virtual_machine(const CellConfig& config);

}  // namespace shadowwalk::cli
