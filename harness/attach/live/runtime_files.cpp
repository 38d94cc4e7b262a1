#include "harness/attach/live/runtime_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace shadowwalk::live {
namespace {

bool is_known(std::string_view kind) {
  constexpr std::array kWhole = {kEntryKind, kRequestKind, kDoneKind, kControlKind, kAckKind};
  return std::find(kWhole.begin(), kWhole.end(), kind) != kWhole.end() || number_behind(kind, kMarkKind) ||
         number_behind(kind, kClaimKind);
}

}  // namespace

std::string file_name(const Process& process, std::string_view kind) {
  return fmt::format("{}.{}", to_string(process), kind);
}

std::optional<RuntimeFile> parse_file_name(std::string_view name) {
  if (name.starts_with('.')) name.remove_prefix(1);
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos || !is_known(name.substr(dot + 1))) return std::nullopt;
  const std::optional<Process> process = parse_process(name.substr(0, dot));
  if (!process) return std::nullopt;
  return RuntimeFile{*process, std::string(name.substr(dot + 1))};
}

std::optional<pid_t> number_behind(std::string_view kind, std::string_view prefix) {
  if (!kind.starts_with(prefix)) return std::nullopt;
  kind.remove_prefix(prefix.size());
  pid_t number = 0;
  const auto [end, error] = std::from_chars(kind.data(), kind.data() + kind.size(), number);
  if (error != std::errc() || end != kind.data() + kind.size() || number <= 0) return std::nullopt;
  return number;
}

}  // namespace shadowwalk::live
