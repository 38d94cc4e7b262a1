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
  /// Adds a cell that will be run: each machine gets as many CPUs as its largest cell has vCPUs, and one. Throws
  /// InputError if no kernel has such a cell.
  void expect(const CellRequest& request);

  /// Runs `words` (`shadowwalk cell ...`, without what names its result) of such a cell; as run::RunElsewhere does,
  /// which the rest is of. Builds the module and boots the machine where that was not done yet.
  run::ChildResult run(const CellRequest& request, const std::vector<std::string>& words,
                       const std::filesystem::path& json, std::chrono::nanoseconds limit, int stop_fd);

 private:
  kernel::VmSession& session_of(const std::string& kernel);

  std::map<std::string, unsigned> cpus_;  ///< by CellConfig::kernel
  std::map<std::string, std::unique_ptr<kernel::VmSession>> sessions_;
};

/// Whether a cell must be run by VmCells: not in a process that is in the virtual machine already.
bool needs_virtual_machine(const CellConfig& config);

}  // namespace shadowwalk::cli
