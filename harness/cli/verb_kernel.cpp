#include <fmt/format.h>
#include <sys/utsname.h>

#include <chrono>
#include <memory>
#include <string>

#include "harness/cli/arguments.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/cli/vm_cells.hpp"
#include "harness/kernel/device.hpp"
#include "harness/kernel/floor_times.hpp"
#include "harness/kernel/kernel_cell.hpp"
#include "harness/kernel/kernel_image.hpp"
#include "harness/kernel/kernel_module.hpp"
#include "harness/kernel/kernel_state.hpp"
#include "harness/kernel/module_build.hpp"
#include "harness/kernel/vm_agent.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/interrupt.hpp"
#include "harness/os/notice.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::cli {
namespace {

std::string running_release() {
  utsname name{};
  uname(&name);
  return name.release;
}

void build(const std::string& kernel) {
  const auto source = find_module_source();
  const auto note = [](const std::string& line) { os::notice(line); };
  if (kernel.empty()) {
    fmt::print("{}\n", kernel::build_module(source, running_release(), "/", note).string());
  } else {
    const kernel::KernelImage image = kernel::find_kernel_image(kernel);
    fmt::print("{}\n", kernel::build_module(source, image.release, image.tree, note).string());
  }
}

void load() {
  const auto file = kernel::module_file(running_release());
  if (const std::string why = kernel::why_not_for(file, running_release()); !why.empty()) {
    throw InputError(fmt::format("{}: `shadowwalk kernel build` makes it", why));
  }
  kernel::insert_module(file);
  if (const std::string why = kernel::why_no_device(); !why.empty()) throw InputError(why);
}

/// Exit code 0 if cells of --machine kernel can run now.
int status() {
  const doctor::LiveFacts::KernelCells found = observe_kernel_cells();
  fmt::print("kernel   {}\n", found.release);
  if (!found.module_file.empty()) {
    fmt::print("module   {}\n", found.module_file);
  } else {
    const std::string why = kernel::why_not_for(kernel::module_file(found.release), found.release);
    fmt::print(
        "module   {}\nbuild    {}\n", why,
        found.build_unavailable.empty() ? "it can be built: `shadowwalk kernel build`" : found.build_unavailable);
  }
  const bool is_there = found.device_unavailable.empty();
  fmt::print("device   {}\n", is_there ? found.device : found.device_unavailable);
  return is_there ? 0 : 1;
}

/// What the module's FLOOR times, in the running kernel or in one that is booted for it.
void floors(const std::string& kernel) {
  if (kernel.empty()) {
    fmt::print("{}", kernel::floor_table(kernel::Device(), std::string(kernel::why_untimed())));
    return;
  }
  constexpr unsigned kCpus = 3;  // of which two walk, as of a cell with two vCPUs
  constexpr std::chrono::minutes kLimit{10};
  const auto session = make_vm_session(kernel, kCpus, {});
  os::Interrupt interrupt;
  const kernel::VmOutcome outcome = session->run(
      {.words = {kernel::in_vm::kCommand, "kernel", "floors"}, .files = {}, .result_file = {}, .limit = kLimit},
      interrupt.fd());
  if (const auto signal = interrupt.caught()) throw CLI::RuntimeError{128 + *signal};
  if (outcome.kind == kernel::VmOutcome::Kind::ended && outcome.end.exit_code == 0 && outcome.end.signal == 0) {
    fmt::print("{}", outcome.end.output);
    return;
  }
  for (const std::string& line : outcome.console) os::notice_line(line);
  throw CellError(fmt::format("kernel floors: {} in the virtual machine: {}",
                              outcome.end.timed_out ? "no end" : "failed",
                              outcome.last_words.empty() ? os::last_line(outcome.end.output) : outcome.last_words));
}

}  // namespace

doctor::LiveFacts::KernelCells observe_kernel_cells() {
  const auto place_of = [](const char* name) {
    try {
      return find_data_file(name);
    } catch (const InputError&) {
      return std::filesystem::path();
    }
  };
  return kernel::observe_kernel_cells(place_of("harness/kernel/module/Makefile").parent_path(),
                                      place_of("build/kernels"));
}

void add_kernel(CLI::App& command) {
  CLI::App* verb = command.add_subcommand(
      "kernel", "Build, load and unload the module that measures cells in the kernel (docs/kernel.md)");
  verb->require_subcommand(1);
  auto kernel = std::make_shared<std::string>();
  CLI::App* building = verb->add_subcommand("build", "Build the module for the running kernel, and print its file");
  building->add_option("--kernel", *kernel, "For this kernel instead: a directory with it and its headers, or a .deb")
      ->type_name("DIR|PACKAGE");
  building->callback([kernel] { build(*kernel); });
  verb->add_subcommand("load", "Load it into the running kernel; needs root")->callback(load);
  verb->add_subcommand("unload", "Unload it; needs root")->callback(kernel::remove_module);
  verb->add_subcommand("status", "Say what is there and what is missing; exit code 0 if cells can run")->callback([] {
    throw CLI::RuntimeError{status()};
  });
  auto booted = std::make_shared<std::string>();
  CLI::App* timing = verb->add_subcommand(
      "floors", "Time the kernel's own primitives, IPIs and grace periods, and each variant's read-side section in it");
  timing->add_option("--kernel", *booted, "In a virtual machine that boots this kernel: a directory with it, or a .deb")
      ->type_name("DIR|PACKAGE");
  timing->callback([booted] { floors(*booted); });
  auto accelerator = std::make_shared<std::string>();
  CLI::App* agent = verb->add_subcommand("agent", "The first process of the virtual machine");
  agent->group("");  // for the virtual machine alone
  agent->add_option("accelerator", *accelerator)->required();
  agent->callback([accelerator] { kernel::run_vm_agent(*accelerator); });
}

}  // namespace shadowwalk::cli
