#include "harness/text/text_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"

namespace shadowwalk {

std::string read_text_file(const std::filesystem::path& file, std::string_view what, std::size_t most) {
  const auto cannot = [&](const char* why) {
    return InputError(fmt::format("cannot read the {} {}: {}", what, file.string(), why));
  };
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) throw cannot(std::strerror(errno));
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) throw cannot("it is not a file");
  std::optional<std::string> text = os::read_if_readable(file, most + 1);
  if (!text) throw cannot(std::strerror(errno));
  if (text->size() > most) {
    throw InputError(
        fmt::format("the {} {} is larger than {} MiB; is it the right file?", what, file.string(), most >> 20));
  }
  return std::move(*text);
}

}  // namespace shadowwalk
