#include "harness/plugin/load_plugin.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "harness/doctor/elf_notes.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
#include "harness/os/notice.hpp"
#include "harness/plugin/plugin.hpp"
#include "harness/projection/projection.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::plugin {
namespace {

/// What a plug-in's notes say.
struct Notes {
  std::optional<std::string> abi;
  std::string build_id;
};

InputError refusal(const std::filesystem::path& file, std::string_view what) {
  return InputError{fmt::format("plug-in {}: {}", file.string(), what)};
}

std::vector<std::byte> read(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) throw refusal(file, "there is no such file");
  if (!std::filesystem::is_regular_file(status)) throw refusal(file, "is no file; name the .so");
  const auto bytes = os::read_if_readable(file, std::numeric_limits<std::size_t>::max());
  if (!bytes) throw refusal(file, "cannot be read; check its permissions");
  const auto all = std::as_bytes(std::span(*bytes));
  return {all.begin(), all.end()};
}

Notes read_notes(std::span<const std::byte> elf) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  Notes notes;
  doctor::for_each_elf_note(
      elf, [&](std::string_view owner, std::uint32_t type, std::span<const std::byte> description) {
        if (owner == kNoteOwner && type == kNoteType) {
          const std::string_view text(reinterpret_cast<const char*>(description.data()), description.size());
          notes.abi = text.substr(0, text.find('\0'));
        }
        if (owner != "GNU" || type != NT_GNU_BUILD_ID) return;
        notes.build_id.clear();
        for (const std::byte byte : description) {
          const auto value = std::to_integer<unsigned>(byte);
          notes.build_id += {kDigits[value >> 4], kDigits[value & 15]};
        }
      });
  return notes;
}

/// The notes of a file that may be loaded.
Notes check(const std::filesystem::path& file) {
  const std::vector<std::byte> elf = read(file);
  if (doctor::elf_kind(elf) != doctor::ElfKind::shared_object) {
    throw refusal(file, "is no shared object of this machine; build it with add_library(... MODULE ...)");
  }
  Notes notes = read_notes(elf);
  if (!notes.abi) throw refusal(file, "is no plug-in: it has no SHADOWWALK_PLUGIN(...) line");
  if (*notes.abi != kAbi.view()) {
    throw refusal(file, fmt::format("was built for \"{}\", and this is \"{}\"; build it again against this shadowwalk",
                                    *notes.abi, kAbi.view()));
  }
  return notes;
}

/// dlerror() without the file's name before it.
std::string last_dl_error(const std::string& path) {
  const char* said = dlerror();
  std::string text = said == nullptr ? "no reason is given" : said;
  if (text.starts_with(path + ": ")) text.erase(0, path.size() + 2);
  return text;
}

PluginVariants variants_of(const std::filesystem::path& file) {
  const std::string path = std::filesystem::absolute(file).string();  // else dlopen() would search for a bare name
  void* const module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) throw refusal(file, "cannot be loaded: " + last_dl_error(path));
  const auto entry_point = reinterpret_cast<EntryPoint>(dlsym(module, kEntryPoint));
  if (entry_point == nullptr) {
    throw refusal(file, fmt::format("has no symbol {}; leave its visibility to SHADOWWALK_PLUGIN(...)", kEntryPoint));
  }
  PluginVariants found;
  entry_point(found);
  return found;
}

/// Variants' names become part of results' names, whose fields are separated by slashes.
bool may_be_a_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-';
  });
}

void check_names(const std::filesystem::path& file, const PluginVariants& found) {
  for (auto variant = found.variants.begin(); variant != found.variants.end(); ++variant) {
    const std::string_view name = variant->info.name;
    if (!may_be_a_name(name)) {
      throw refusal(file, fmt::format("'{}' is no name of a variant; use a-z, 0-9 and -", name));
    }
    const bool twice = std::any_of(found.variants.begin(), variant,
                                   [&](const VariantEntry& other) { return other.info.name == name; });
    if (twice || Registry::instance().find(name) != nullptr) {
      throw refusal(file, fmt::format("a variant named '{}' is registered already; give it another name", name));
    }
  }
}

}  // namespace

void load_plugin(const std::filesystem::path& file) {
  const Notes notes = check(file);
  // Modules call what verifies and projects variants, so every program that loads them must hold these rooms.
  verify::verified_variants();
  projection::projected_variants();
  PluginVariants found = variants_of(file);
  check_names(file, found);
  if (!found.optimized) {
    os::notice(
        fmt::format("{} is compiled without optimisation: its figures are not comparable", file.filename().string()));
  }
  for (VariantEntry& variant : found.variants) {
    variant.plugin = PluginOrigin{.file = file.filename().string(),
                                  .build_id = notes.build_id,
                                  .abi = std::string(kAbi.view()),
                                  .optimized = found.optimized};
    Registry::instance().add(variant);
  }
}

std::string build_id(const std::filesystem::path& file) { return read_notes(read(file)).build_id; }

}  // namespace shadowwalk::plugin
