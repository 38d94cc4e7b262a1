#include "harness/measure/pmu/tracepoint.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <system_error>

namespace shadowwalk::pmu {
namespace {

namespace fs = std::filesystem;

enum class Found { yes, not_mounted, not_readable, no_such };

/// Asks one mount point of tracefs for the tracepoint's number.
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
      return Refusal{event,
                     "tracefs is not readable: run as root, or `mount -o remount,gid=$(id -g),mode=750 "
                     "/sys/kernel/tracing`"};
    case Found::no_such:
      return Refusal{event,
                     fmt::format("no such tracepoint; `ls {}/events/{}` tells what there is, and a module that is "
                                 "not loaded has none",
                                 paths.tracefs.front().string(), system)};
    default:
      return Refusal{event, "tracefs is not mounted: `mount -t tracefs nodev /sys/kernel/tracing`"};
  }
}

}  // namespace shadowwalk::pmu
