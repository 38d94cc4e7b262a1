#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace shadowwalk {

/// The text of a file that a user names, at most `most` bytes (whole MiB). `what`: its name in errors, e.g. "matrix".
/// A fifo is read, too: `<(zcat FILE)`. Throws InputError if it cannot be read, is no file, or is larger.
std::string read_text_file(const std::filesystem::path& file, std::string_view what,
                           std::size_t most = std::size_t{1} << 20);

}  // namespace shadowwalk
