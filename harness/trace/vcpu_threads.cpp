#include "harness/trace/vcpu_threads.hpp"

#include <charconv>
#include <string_view>

namespace shadowwalk::trace {
namespace {

/// The number in the name that a VMM gives a vCPU's thread: "CPU 0/KVM", "vcpu0", "fc_vcpu 0", "VCPU-0".
std::optional<std::uint32_t> vcpu_in(std::string_view command) {
  for (const std::string_view name : {"CPU", "cpu"}) {
    const std::size_t at = command.find(name);
    if (at == std::string_view::npos) continue;
    std::string_view rest = command.substr(at + name.size());
    if (!rest.empty() && (rest.front() == ' ' || rest.front() == '-' || rest.front() == '_')) rest.remove_prefix(1);
    std::uint32_t id = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), id);
    if (error == std::errc() && (end == rest.data() + rest.size() || *end == '/')) return id;
  }
  return std::nullopt;
}

}  // namespace

FaultFolder* VcpuThreads::find(const EventLine& event, const TracepointHit& hit) {
  auto found = threads_.find(event.thread);
  if (found == threads_.end()) {
    if (!runs_vcpu(hit) || is_full()) return nullptr;
    found = threads_.try_emplace(event.thread, static_cast<std::uint32_t>(threads_.size()), window_).first;
    if (event.process != 0) ++report_.vm_processes[event.process];
  }
  Thread& thread = found->second;
  if (!thread.id) {
    thread.id = hit.vcpu_id ? hit.vcpu_id : vcpu_in(event.command);
    thread.is_told = hit.vcpu_id.has_value();
    if (thread.id) note_id(*thread.id, event.thread);
  } else if (thread.is_told && hit.vcpu_id && hit.vcpu_id != thread.id && !report_.merged_vcpus) {
    report_.merged_vcpus = event.thread;
  }
  return &thread.folder;
}

void VcpuThreads::note_id(std::uint32_t id, std::uint32_t thread) {
  const auto [first, is_new] = threads_by_id_.try_emplace(id, thread);
  if (is_new) return;
  if (report_.shared_vcpu) {
    ++report_.more_shared_vcpus;
  } else {
    report_.shared_vcpu = SharedVcpu{id, first->second, thread};
  }
}

}  // namespace shadowwalk::trace
