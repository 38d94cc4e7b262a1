#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "harness/guest/guest.hpp"
#include "harness/guest/kvm_vm.hpp"
#include "harness/host_kvm/touch_abi.hpp"
#include "harness/host_kvm/touch_vcpu.hpp"

namespace shadowwalk::host_kvm {

struct TouchConfig {
  GuestConfig guest;           ///< its kind and program mean nothing here
  std::uint64_t pages = 4096;  ///< of the working set; the guest folds its gfns into it
  /// Gives the working set its memory beforehand, so that a first touch costs the MMU's work alone.
  bool populate = true;
  bool log_dirty_pages = false;  ///< KVM_MEM_LOG_DIRTY_PAGES on the working set, from the start
  Coverage coverage = Coverage::whole;
  bool clocked = true;  ///< touches are clocked and classified
};

/// The pages [first, first + count) of the working set.
struct PageRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

/// Throws InputError if the guest's parameters are out of range, or edit page tables, or if the pages do not fit this
/// host's memory or the guest's window.
void check_fits(const TouchConfig& config);

/// A VM whose working set is memory that the *kernel's* MMU maps, and what a VMM can do to it meanwhile. The actions
/// are for one thread at a time, while vCPUs run. All throw CellError if the kernel refuses.
class TouchVm {
 public:
  /// Throws InputError as check_fits() does, or if KVM cannot make that many vCPUs; CellError on ioctl failure.
  explicit TouchVm(const TouchConfig& config);

  TouchVcpu& vcpu(unsigned index) { return *vcpus_.at(index); }
  KvmStatistics statistics() const { return vm_.statistics(); }
  std::span<std::byte> working_set() const { return working_set_.bytes(); }

  /// Why touches that should be clocked are not; empty: they are clocked, or clocking was not requested.
  const std::string& clock_missing() const { return clock_missing_; }
  /// From now on, or no longer, touches are logged.
  void record_touches(bool on);

  /// A beat: between these two a touch is unclear, after them each page that is concerned awaits its first touch (what
  /// that is, Coverage says). Parts of the working set only where the coverage is of ranges.
  void begin_beat();
  void end_beat() { end_beat({.first = 0, .count = pages_}); }
  void end_beat(PageRange concerned);

  /// Deletes the working set's memory slot (kvm_mmu_zap_all_fast()) and adds it again. Touches in between are served by
  /// their vCPUs' threads.
  void flip_memory_slot() {
    delete_memory_slot();
    add_memory_slot();
  }
  void delete_memory_slot();
  void add_memory_slot();
  /// One round of dirty logging: KVM_GET_DIRTY_LOG, and, where the kernel protects by hand, KVM_CLEAR_DIRTY_LOG of
  /// what was found. Returns the pages found; dirty_pages() tells which.
  std::uint64_t collect_dirty_log();
  /// Of the last round: bit p of word p / 64 is page p.
  std::span<const std::uint64_t> dirty_bitmap() const { return dirty_bitmap_; }
  /// KVM_SET_NR_MMU_PAGES: at most `shadow_pages` from now on; those beyond are zapped at once, oldest first.
  void set_page_quota(unsigned long shadow_pages);
  /// madvise(MADV_DONTNEED): the host takes the pages back, and the MMU notifier zaps them.
  void discard(PageRange range);

 private:
  std::unique_ptr<TouchVcpu> make_vcpu(const TouchConfig& config, unsigned index);
  void enable_dirty_log();
  void init_control(const TouchConfig& config);
  TouchControl& control() const;

  // Before the VM: unmapped after it is gone.
  kvm::Mapping working_set_;
  kvm::Mapping notes_;
  kvm::KvmVm vm_;
  std::vector<std::unique_ptr<TouchVcpu>> vcpus_;
  std::uint64_t pages_;
  std::uint32_t slot_flags_ = 0;
  bool clears_by_hand_ = false;
  std::vector<std::uint64_t> dirty_bitmap_;
  std::string clock_missing_;
};

}  // namespace shadowwalk::host_kvm
