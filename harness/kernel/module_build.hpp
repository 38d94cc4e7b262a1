#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "harness/kernel/kernel_image.hpp"

/// The module as a file: where it is built, and how. Errors are InputErrors of one line with what to do.
namespace shadowwalk::kernel {

/// Where the module for a kernel is built, and found afterwards: in XDG_CACHE_HOME, or else in ~/.cache.
std::filesystem::path module_file(const std::string& release);

/// Builds the module for a kernel from `source`, which holds its Makefile, or brings what was built up to date, and
/// returns its file. `tree`: below which usr/src/ and lib/modules/ are searched for the kernel's headers, before those
/// of this host. Takes minutes the first time; `notice` hears so. Throws InputError: no headers, another compiler, what
/// the kernel has that the module cannot meet, a full disk.
std::filesystem::path build_module(const std::filesystem::path& source, const std::string& release,
                                   const std::filesystem::path& tree,
                                   const std::function<void(const std::string&)>& notice);

/// Why build_module() would not build it, in one line that says what to do: no headers, no make, another compiler, what
/// the kernel has that the module cannot meet; empty: it would. Builds nothing.
std::string why_not_buildable(const std::filesystem::path& source, const std::string& release,
                              const std::filesystem::path& tree);

/// Why `file` is no module of this version for the kernel; empty: it is.
std::string why_not_for(const std::filesystem::path& file, const std::string& release);

}  // namespace shadowwalk::kernel
