#pragma once

#include <filesystem>
#include <string>

/// Variants that are loaded when a program runs.
namespace shadowwalk::plugin {

/// Loads a plug-in and adds its variants to the registry, so that they can be measured, verified and projected. The
/// plug-in stays loaded. To be called before threads start.
///
/// Throws InputError, one line that names the file, if it is not there, is no shared object for this machine, is no
/// plug-in, was built against another ABI (harness/plugin/abi.hpp), lacks a symbol, or has a variant whose name is
/// taken or invalid. All but the missing symbols are found before any code of it runs, and nothing is registered then.
void load_plugin(const std::filesystem::path& file);

/// The build ID that the linker gave a file, in hexadecimal; empty if it has none. Throws InputError if the file cannot
/// be read.
std::string build_id(const std::filesystem::path& file);

}  // namespace shadowwalk::plugin
