#include "harness/kernel/vm_messages.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/machine/error.hpp"
#include "harness/os/printable.hpp"
#include "harness/text/json_reader.hpp"

namespace shadowwalk::kernel {
namespace {

using nlohmann::json;

std::string line_of(const json& message) { return message.dump(-1, ' ', true, json::error_handler_t::replace) + "\n"; }

template <class Message>
Message read(std::string_view line, Message (*from)(const JsonValue&)) {
  try {
    const json document = parse_json(line);
    return from(JsonValue(document));
  } catch (const InputError& error) {
    throw InputError(
        fmt::format("a message of the virtual machine cannot be read: {}: {}", error.what(), os::printable(line, 80)));
  }
}

}  // namespace

std::string to_line(const VmReady& message) {
  return line_of({{"release", message.release}, {"module_problem", message.module_problem}});
}

std::string to_line(const VmJob& message) {
  return line_of({{"words", message.words},
                  {"files", message.files},
                  {"result_file", message.result_file},
                  {"limit_ms", message.limit.count()}});
}

std::string to_line(const VmJobEnd& message) {
  json object = {{"timed_out", message.timed_out},
                 {"exit_code", message.exit_code},
                 {"signal", message.signal},
                 {"output", message.output}};
  if (message.result) object["result"] = *message.result;
  return line_of(object);
}

VmReady ready_from(std::string_view line) {
  return read<VmReady>(line, [](const JsonValue& message) {
    return VmReady{.release = message.at("release").text(), .module_problem = message.at("module_problem").text()};
  });
}

VmJob job_from(std::string_view line) {
  return read<VmJob>(line, [](const JsonValue& message) {
    VmJob job;
    for (const JsonValue& word : message.at("words").elements()) job.words.push_back(word.raw_text());
    if (job.words.empty()) message.wrong("has no words");
    for (const auto& [name, content] : message.at("files").members()) job.files[name] = content.raw_text();
    job.result_file = message.at("result_file").raw_text();
    job.limit = std::chrono::milliseconds(message.at("limit_ms").number<std::int64_t>(1));
    return job;
  });
}

VmJobEnd job_end_from(std::string_view line) {
  return read<VmJobEnd>(line, [](const JsonValue& message) {
    VmJobEnd end{.timed_out = message.at("timed_out").flag(),
                 .exit_code = message.at("exit_code").number<int>(0, 255),
                 .signal = message.at("signal").number<int>(0, 64),
                 .output = message.at("output").raw_text(),
                 .result = std::nullopt};
    if (const auto result = message.find("result")) end.result = result->raw_text();
    return end;
  });
}

void LineReader::add(std::string_view bytes) {
  rest_ += bytes;
  if (rest_.size() > kMostJsonBytes) throw InputError("the virtual machine sends a line without an end");
}

std::optional<std::string> LineReader::next() {
  const std::size_t end = rest_.find('\n');
  if (end == rest_.npos) return std::nullopt;
  std::string line = rest_.substr(0, end);
  rest_.erase(0, end + 1);
  return line;
}

}  // namespace shadowwalk::kernel
