#include <fmt/format.h>
#include <sys/utsname.h>

#include <memory>
#include <string>

#include "harness/cli/arguments.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/kernel/device.hpp"
#include "harness/kernel/kernel_image.hpp"
#include "harness/kernel/kernel_module.hpp"
#include "harness/kernel/kernel_state.hpp"
#include "harness/kernel/module_build.hpp"
#include "harness/kernel/vm_agent.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/notice.hpp"

namespace shadowwalk::cli {
namespace {

std::string running_release() {
  utsname name{};
  uname(&name);
  return name.release;
}

void build(const std::string& kernel) {
  const auto source = find_data_file("harness/kernel/module/Makefile").parent_path();
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
  auto accelerator = std::make_shared<std::string>();
  CLI::App* agent = verb->add_subcommand("agent", "The first process of the virtual machine");
  agent->group("");  // for the virtual machine alone
  agent->add_option("accelerator", *accelerator)->required();
  agent->callback([accelerator] { kernel::run_vm_agent(*accelerator); });
}

}  // namespace shadowwalk::cli
