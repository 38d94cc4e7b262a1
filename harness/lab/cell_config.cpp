#include "harness/lab/cell_config.hpp"

#include <fmt/format.h>

namespace shadowwalk {

std::string to_string(const ReadDelay& delay) {
  return delay.on() ? fmt::format("1/{}:{}us", delay.one_in, delay.stall_us) : "off";
}
const char* to_string(MachineKind kind) {
  switch (kind) {
    case MachineKind::user:
      return "user";
    case MachineKind::kernel:
      return "kernel";
    case MachineKind::kernel_vm:
      return "kernel-vm";
  }
  return "";
}
const char* to_string(GuestKind kind) {
  switch (kind) {
    case GuestKind::kvm:
      return "kvm";
    case GuestKind::thread:
      return "thread";
    case GuestKind::trace:
      return "trace";
    case GuestKind::automatic:
      return "auto";
  }
  return "";
}
const char* to_string(MmuLockKind kind) {
  switch (kind) {
    case MmuLockKind::ticket:
      return "ticket";
    case MmuLockKind::mutex:
      return "mutex";
    case MmuLockKind::rwlock:
      return "rwlock";
  }
  return "";
}
const char* to_string(WalkMode mode) { return mode == WalkMode::latency ? "latency" : "throughput"; }
const char* to_string(Instrumentation level) {
  switch (level) {
    case Instrumentation::none:
      return "none";
    case Instrumentation::light:
      return "light";
    case Instrumentation::full:
      return "full";
  }
  return "";
}

}  // namespace shadowwalk
