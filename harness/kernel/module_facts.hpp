#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace shadowwalk::kernel {

/// The release that a module's `vermagic` names; "another" if the file holds none.
std::string release_of_module(const std::filesystem::path& file);

/// The value of `key=` in a module's .modinfo; empty if it has none.
std::string modinfo(std::string_view module, std::string_view key);

}  // namespace shadowwalk::kernel
