#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace shadowwalk::kernel {

/// Names in the virtual machine, of both sides: what makes the initramfs, and the agent that runs in it.
namespace in_vm {
inline constexpr const char* kCommand = "/bin/shadowwalk";
inline constexpr const char* kModule = "/shadowwalk.ko";
}  // namespace in_vm

struct InitramfsContent {
  std::filesystem::path command;  ///< becomes in_vm::kCommand
  std::filesystem::path module;   ///< becomes in_vm::kModule; empty: there is none
  /// Other programs: the file here, and its name there.
  std::vector<std::pair<std::filesystem::path, std::string>> programs = {};
};

/// The first file system of a kernel: these files, the shared libraries that the programs need, and what the agent
/// (vm_agent.hpp) finds before it has mounted anything. Throws InputError if a file cannot be read.
std::string make_initramfs(const InitramfsContent& content);

}  // namespace shadowwalk::kernel
