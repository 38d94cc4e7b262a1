#include "harness/measure/pmu/tracepoints.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "harness/text/suggestion.hpp"

namespace shadowwalk::pmu {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNotReadable =
    "tracefs is not readable: run as root, or `mount -o remount,gid=$(id -g),mode=750 /sys/kernel/tracing`";
constexpr const char* kNotMounted = "tracefs is not mounted: `mount -t tracefs nodev /sys/kernel/tracing`";

enum class Found { yes, not_mounted, not_readable, no_such };

/// Reads the tracepoint's number from one mount point of tracefs.
Found find_id(const fs::path& tracefs, const std::string& system, const std::string& name, std::uint64_t& id) {
  std::error_code error;
  const bool mounted = fs::exists(tracefs / "events", error);
  if (error == std::errc::permission_denied) return Found::not_readable;
  if (!mounted) return Found::not_mounted;
  errno = 0;
  std::ifstream file(tracefs / "events" / system / name / "id");
  if (file >> id) return Found::yes;
  return errno == EACCES || errno == EPERM ? Found::not_readable : Found::no_such;
}

/// The names of the directories in a directory, sorted.
std::vector<std::string> directories_in(const fs::path& directory, std::error_code& error) {
  std::vector<std::string> names;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code gone;
    if (entry->is_directory(gone)) names.push_back(entry->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

/// The nearest name among the tracepoints of the same system.
std::string suggested_tracepoint(const SystemPaths& paths, const std::string& system, const std::string& name) {
  std::vector<std::string> names;
  for (const fs::path& tracefs : paths.tracefs) {
    std::error_code ignored;
    for (const std::string& known : directories_in(tracefs / "events" / system, ignored)) {
      names.push_back(fmt::format("{}:{}", system, known));
    }
  }
  return suggestion(fmt::format("{}:{}", system, name), names);
}

}  // namespace

std::variant<EncodedEvent, Refusal> encode_tracepoint(const std::string& event, const SystemPaths& paths) {
  const std::size_t colon = event.find(':');
  const std::string system = event.substr(0, colon);
  const std::string name = event.substr(colon + 1);
  if (name.find(':') != std::string::npos || system.find("..") != std::string::npos ||
      name.find("..") != std::string::npos) {
    return Refusal{event, "not a tracepoint: they are called SYSTEM:EVENT, such as kvm:kvm_exit"};
  }
  Found best = Found::not_mounted;
  for (const fs::path& tracefs : paths.tracefs) {
    std::uint64_t id = 0;
    const Found found = find_id(tracefs, system, name, id);
    if (found == Found::yes) {
      EncodedEvent encoded;
      encoded.name = event;
      encoded.encoded = fmt::format("{} (tracepoint {})", event, id);
      encoded.kind = EventKind::tracepoint;
      encoded.attributes.size = sizeof(encoded.attributes);
      encoded.attributes.type = PERF_TYPE_TRACEPOINT;
      encoded.attributes.config = id;
      return encoded;
    }
    if (found != Found::not_mounted && best != Found::no_such) best = found;
  }
  switch (best) {
    case Found::not_readable:
      return Refusal{event, kNotReadable};
    case Found::no_such:
      return Refusal{event,
                     fmt::format("no such tracepoint{} `ls {}/events/{}` lists what there is, and a module that is "
                                 "not loaded has none",
                                 suggested_tracepoint(paths, system, name), paths.tracefs.front().string(), system)};
    default:
      return Refusal{event, kNotMounted};
  }
}

TracepointList tracepoints(const SystemPaths& paths) {
  TracepointList list{.tracepoints = {}, .why_none = kNotMounted};
  for (const fs::path& tracefs : paths.tracefs) {
    std::error_code error;
    const fs::path events = tracefs / "events";
    const std::vector<std::string> systems = directories_in(events, error);
    if (error == std::errc::permission_denied) list.why_none = kNotReadable;
    for (const std::string& system : systems) {
      for (const std::string& name : directories_in(events / system, error)) {
        if (!fs::exists(events / system / name / "id", error)) continue;  // perf has no number for it
        list.tracepoints.push_back({fmt::format("{}:{}", system, name),   //
                                    fs::exists(events / system / name / "enable", error)});
      }
    }
    if (list.tracepoints.empty()) continue;
    std::ranges::sort(list.tracepoints, {}, &Tracepoint::name);
    list.why_none.clear();
    break;  // the other place shows the same
  }
  return list;
}

}  // namespace shadowwalk::pmu
