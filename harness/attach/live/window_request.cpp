#include "harness/attach/live/window_request.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/attach/live/runtime_files.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::live {
namespace {

using nlohmann::json;

constexpr const char* kWindowFormat = "shadowwalk-window-1";

}  // namespace

std::string to_text(const WatchedWindow& window) {
  return json{{"format", kWindowFormat}, {"enable_ns", window.enable_ns},     {"begin_ns", window.begin_ns},
              {"end_ns", window.end_ns}, {"disabled_ns", window.disabled_ns}, {"failure", window.failure}}
      .dump(1, ' ', false, json::error_handler_t::replace);
}

std::optional<WatchedWindow> watched_window_from_text(const std::string& text) {
  try {
    const json object = json::parse(text);
    if (object.at("format") != kWindowFormat) return std::nullopt;
    return WatchedWindow{.enable_ns = object.at("enable_ns"),
                         .begin_ns = object.at("begin_ns"),
                         .end_ns = object.at("end_ns"),
                         .disabled_ns = object.at("disabled_ns"),
                         .failure = object.at("failure")};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

WindowRequest::WindowRequest(const Process& run) : self_(this_process()), directory_(RuntimeDirectory::make()) {
  if (directory_.path().find(',') != std::string::npos) {
    throw InputError(fmt::format(
        "attach: --next-measure: perf cannot read the name of a fifo with a comma, as in {}; set XDG_RUNTIME_DIR to "
        "another directory of your own",
        directory_.path()));
  }
  directory_.make_fifo(file_name(self_, kControlKind));
  directory_.make_fifo(file_name(self_, kAckKind));
  directory_.replace(file_name(self_, kRequestKind), to_string(run));  // last: whoever sees it finds the rest
}

WindowRequest::~WindowRequest() {
  for (const std::string& name : directory_.names()) {
    const std::optional<RuntimeFile> file = parse_file_name(name);
    if (file && file->process == self_ && file->kind != kEntryKind) directory_.remove(name);
  }
}

std::string WindowRequest::control_option() const {
  const auto path = [&](std::string_view kind) { return directory_.path() + "/" + file_name(self_, kind); };
  return fmt::format("--control=fifo:{},{}", path(kControlKind), path(kAckKind));
}

std::optional<pid_t> WindowRequest::claimed_by() const {
  for (const std::string& name : directory_.names()) {
    const std::optional<RuntimeFile> file = parse_file_name(name);
    if (!file || file->process != self_) continue;
    if (const auto cell = number_behind(file->kind, kClaimKind)) return cell;
  }
  return std::nullopt;
}

std::optional<WatchedWindow> WindowRequest::done() const {
  const std::optional<std::string> text = directory_.read(file_name(self_, kDoneKind));
  return text ? watched_window_from_text(*text) : std::nullopt;
}

}  // namespace shadowwalk::live
