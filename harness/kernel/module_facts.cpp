#include "harness/kernel/module_facts.hpp"

#include <fmt/format.h>

#include "harness/os/files.hpp"

namespace shadowwalk::kernel {

std::string modinfo(std::string_view module, std::string_view key) {
  // The section is a list of texts that end with 0, and its texts occur nowhere else.
  const std::string begin = fmt::format("{}=", key);
  for (std::size_t at = module.find(begin); at != module.npos; at = module.find(begin, at + 1)) {
    if (at != 0 && module[at - 1] != '\0') continue;
    const std::string_view value = module.substr(at + begin.size());
    return std::string(value.substr(0, value.find('\0')));
  }
  return {};
}

std::string release_of_module(const std::filesystem::path& file) {
  constexpr std::size_t kMost = std::size_t{64} << 20;
  const std::string vermagic = modinfo(os::read_if_readable(file, kMost).value_or(""), "vermagic");
  return vermagic.empty() ? "another" : vermagic.substr(0, vermagic.find(' '));
}

}  // namespace shadowwalk::kernel
