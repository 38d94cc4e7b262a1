#include "harness/kernel/shared_libraries.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <sstream>
#include <string>

#include "harness/kernel/tool.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"

namespace shadowwalk::kernel {
namespace {

namespace fs = std::filesystem;

template <class T>
T value_at(std::string_view bytes, std::size_t offset, const fs::path& file) {
  T value;
  if (offset > bytes.size() || bytes.size() - offset < sizeof value) {
    throw InputError(fmt::format("{} is no whole ELF file", file.string()));
  }
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// The dynamic linker that the program names; nothing if it has none.
std::optional<std::string> linker_of(const fs::path& program) {
  constexpr std::size_t kHeaders = 1 << 16;
  const auto bytes = os::read_if_readable(program, kHeaders);
  if (!bytes) throw InputError(fmt::format("cannot read {}", program.string()));
  const auto header = value_at<Elf64_Ehdr>(*bytes, 0, program);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64) {
    throw InputError(fmt::format("{} is no ELF file of 64 bits", program.string()));
  }
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment = value_at<Elf64_Phdr>(*bytes, header.e_phoff + i * sizeof(Elf64_Phdr), program);
    if (segment.p_type != PT_INTERP) continue;
    if (segment.p_offset > bytes->size()) break;
    return std::string(bytes->c_str() + segment.p_offset);
  }
  return std::nullopt;
}

/// `libx.so.1 => /lib/libx.so.1 (0x...)` or `/lib64/ld.so (0x...)`: the file; empty: there is none in the line.
std::string library_in(const std::string& line) {
  const std::size_t end = line.rfind(" (0x");
  const std::size_t slash = line.find('/');
  if (slash == line.npos || end == line.npos || slash > end) return {};
  return line.substr(slash, end - slash);
}

}  // namespace

std::vector<fs::path> shared_libraries(const fs::path& program) {
  const auto linker = linker_of(program);
  if (!linker) return {};
  // By its own name: /proc/self/exe would be the linker itself there.
  std::error_code error;
  const fs::path file = fs::canonical(program, error);
  if (error) throw InputError(fmt::format("cannot find {}: {}", program.string(), error.message()));
  std::istringstream lines(output_of({*linker, "--list", file.string()}));
  std::vector<fs::path> files = {*linker};
  for (std::string line; std::getline(lines, line);) {
    if (line.find("not found") != line.npos) {
      throw InputError(
          fmt::format("{}: a library is missing: {}", program.string(), line.substr(line.find_first_not_of(" \t"))));
    }
    if (std::string found = library_in(line); !found.empty() && found != *linker) files.emplace_back(std::move(found));
  }
  return files;
}

}  // namespace shadowwalk::kernel
