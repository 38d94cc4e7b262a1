#include "harness/cli/data_files.hpp"

#include <fmt/format.h>

#include "harness/machine/error.hpp"

namespace shadowwalk::cli {

std::filesystem::path find_data_file(const std::filesystem::path& name) {
  std::error_code error;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto installed = executable.parent_path().parent_path() / SHADOWWALK_DATA_DIR / name;
  if (!error && std::filesystem::exists(installed, error)) return installed;
  const auto source = std::filesystem::path{SHADOWWALK_SOURCE_DIR} / name;
  if (std::filesystem::exists(source, error)) return source;
  throw InputError{fmt::format("{} is neither at {} nor at {}; install shadowwalk again", name.string(),
                               installed.string(), source.string())};
}

}  // namespace shadowwalk::cli
