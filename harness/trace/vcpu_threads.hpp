#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "harness/trace/event_line.hpp"
#include "harness/trace/fault_folder.hpp"
#include "harness/trace/importer.hpp"
#include "harness/trace/tracepoint_hit.hpp"

namespace shadowwalk::trace {

/// The threads that run vCPUs, numbered as they first appear, and what shows that they belong to several VMs.
class VcpuThreads {
 public:
  /// Both must outlive the object. What is found about the threads goes into `report`.
  VcpuThreads(ReorderWindow& window, ImportReport& report) : window_(window), report_(report) {}

  /// The folder of the event's thread, which from this event on runs a vCPU if only such a thread can take `hit`; null
  /// for other threads. Null also if there would be more than kMaxTraceVcpus: is_full().
  FaultFolder* find(const EventLine& event, const TracepointHit& hit);
  bool is_full() const { return threads_.size() == kMaxTraceVcpus; }

 private:
  struct Thread {
    Thread(std::uint32_t number, ReorderWindow& window) : folder(number, window) {}
    FaultFolder folder;
    std::optional<std::uint32_t> id{};  // its vCPU's number in the VM
    bool is_told = false;               // by a tracepoint, and not by the thread's name
  };

  void note_id(std::uint32_t id, std::uint32_t thread);

  ReorderWindow& window_;
  ImportReport& report_;
  std::unordered_map<std::uint32_t, Thread> threads_;
  std::unordered_map<std::uint32_t, std::uint32_t> threads_by_id_;  // the first of each vCPU number
};

}  // namespace shadowwalk::trace
