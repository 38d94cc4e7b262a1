#pragma once

#include <filesystem>
#include <vector>

namespace shadowwalk::kernel {

/// The files that a program needs to be started: its dynamic linker and all libraries that this would load, by the
/// names under which the linker looks for them. Empty for a program that is linked statically. Asks the program's own
/// linker (`ld.so --list`), so that whatever decides where libraries are (RUNPATH, ld.so.cache, LD_LIBRARY_PATH)
/// counts. Throws InputError if a library is missing.
std::vector<std::filesystem::path> shared_libraries(const std::filesystem::path& program);

}  // namespace shadowwalk::kernel
