#pragma once

#include <filesystem>
#include <vector>

#include "harness/run/plan.hpp"

/// The matrices that a user can name, and what this host makes of them.
namespace shadowwalk::cli {

/// The matrices that ship, by name.
std::vector<std::filesystem::path> shipped_matrices();

/// The file that MATRIX means: a file, or the name of one that ships (`full`, also as `matrices/full.toml`). Throws
/// InputError if it is a name that none has.
std::filesystem::path matrix_file(const std::filesystem::path& given);

/// What this host, its variants and workloads decide of a plan. Plug-ins are loaded before.
run::PlanHost plan_host();

}  // namespace shadowwalk::cli
