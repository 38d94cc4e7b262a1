#pragma once

#include <filesystem>

/// The module shadowwalk.ko in the kernel that runs here. Errors are InputErrors of one line with what to do.
namespace shadowwalk::kernel {

inline constexpr const char* kModuleName = "shadowwalk";

/// Whether the kernel has it.
bool is_module_loaded();
/// Loads the file. Throws InputError: no root, another kernel's, Secure Boot, lockdown, ...
void insert_module(const std::filesystem::path& file);
/// Throws InputError: no root, in use, not loaded.
void remove_module();

}  // namespace shadowwalk::kernel
