#pragma once

#include <filesystem>

namespace shadowwalk::cli {

/// Where a file that ships with the command is (`matrices/quick.toml`, `reports`): in the installed share/shadowwalk
/// beside the executable's bin, else in the source tree that it was built from. Throws InputError that names both when
/// it is in neither.
std::filesystem::path find_data_file(const std::filesystem::path& name);

}  // namespace shadowwalk::cli
