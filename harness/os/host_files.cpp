#include "harness/os/host_files.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "harness/os/files.hpp"

namespace shadowwalk::os {

namespace fs = std::filesystem;

fs::path HostFiles::on_host(std::string_view path) const { return root_ / fs::path(path).relative_path(); }

std::optional<std::string> HostFiles::read_bytes(std::string_view path) const {
  constexpr std::size_t kMost = 1u << 20;
  return read_if_readable(on_host(path), kMost);
}

std::optional<std::string> HostFiles::read(std::string_view path) const {
  std::optional<std::string> content = read_bytes(path);
  if (content) content->erase(content->find_last_not_of(" \t\n") + 1);
  return content;
}

std::string HostFiles::read_value(std::string_view path, std::string_view key) const {
  const std::string text = read(path).value_or("");
  std::size_t at = 0;
  while (at < text.size()) {
    const std::string_view line = std::string_view(text).substr(at, text.find('\n', at) - at);
    at += line.size() + 1;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !line.starts_with(key)) continue;
    const std::string_view between = line.substr(key.size(), colon - key.size());
    if (between.find_first_not_of(" \t") != std::string_view::npos) continue;
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string_view::npos ? std::string() : std::string(line.substr(value));
  }
  return {};
}

std::optional<std::int64_t> HostFiles::read_number(std::string_view path) const {
  const auto text = read(path);
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

bool HostFiles::exists(std::string_view path) const {
  std::error_code ignored;
  return fs::exists(on_host(path), ignored);
}

std::vector<std::string> HostFiles::list(std::string_view path) const {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(on_host(path), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool HostFiles::is_closed(std::string_view path) const {
  std::error_code error;
  fs::directory_iterator entry(on_host(path), error);
  return error == std::errc::permission_denied || error == std::errc::operation_not_permitted;
}

}  // namespace shadowwalk::os
