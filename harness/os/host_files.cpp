#include "harness/os/host_files.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "harness/os/files.hpp"

namespace shadowwalk::os {

namespace fs = std::filesystem;

fs::path HostFiles::on_host(std::string_view path) const { return root_ / fs::path(path).relative_path(); }

std::optional<std::string> HostFiles::read(std::string_view path) const {
  constexpr std::size_t kMost = 1u << 20;
  std::optional<std::string> content = read_if_readable(on_host(path), kMost);
  if (content) content->erase(content->find_last_not_of(" \t\n") + 1);
  return content;
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
