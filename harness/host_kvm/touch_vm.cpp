#include "harness/host_kvm/touch_vm.hpp"

#include <fmt/format.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "harness/guest/access_ring.hpp"
#include "harness/guest/guest.hpp"
#include "harness/guest/kvm_x86.hpp"
#include "harness/machine/error.hpp"
#include "harness/machine/fences.hpp"
#include "harness/measure/memory.hpp"

// The flat image of touch_image.cpp: every guest program, with an entry that touches memory.
extern "C" const std::byte shadowwalk_touch_image[];
extern "C" const std::byte shadowwalk_touch_image_end[];

namespace shadowwalk::host_kvm {
namespace {

using guest_abi::kPageBytes;
using kvm::Mapping;

constexpr unsigned kWorkingSetSlot = 1, kNotesSlot = 2;  // beside KvmVm's
constexpr std::uint64_t kFirstBeat = 2;
constexpr std::uint64_t kPagesAWord = 64;

// The log takes the place of the access ring.
static_assert(sizeof(TouchLog) <= AccessRing::bytes_for(65536));

/// The guest may look at the word at any time: it is stored whole.
void store_word(std::uint64_t& word, std::uint64_t value) {
  std::atomic_ref(word).store(value, std::memory_order_release);
}

/// Small pages, as the lab's tables map them; where the kernel has no large ones there is nothing to forbid.
Mapping working_set_memory(const TouchConfig& config) {
  Mapping memory = Mapping::anonymous(config.pages * kPageBytes, "working set");
  const std::span<std::byte> bytes = memory.bytes();
  madvise(bytes.data(), bytes.size(), MADV_NOHUGEPAGE);
  if (config.populate && madvise(bytes.data(), bytes.size(), MADV_POPULATE_WRITE) != 0) {  // Linux 5.14
    for (std::size_t offset = 0; offset < bytes.size(); offset += kPageBytes) bytes[offset] = std::byte{0};
  }
  return memory;
}

bool edits_page_tables(const GuestParams& params) {
  for (std::uint32_t phase = 0; phase < params.phase_count; ++phase) {
    for (std::uint32_t i = 0; i < params.phases[phase].stream_count; ++i) {
      if (params.phases[phase].streams[i].locality == Locality::churn) return true;
    }
  }
  return false;
}

/// Nanoseconds a tick of the guest's TSC, times 2^32; 0: the kernel does not tell.
std::uint64_t ns_per_guest_tick(int vcpu_fd) {
  const int khz = ioctl(vcpu_fd, KVM_GET_TSC_KHZ, 0);
  return khz <= 0 ? 0 : static_cast<std::uint64_t>(std::llround(1e6 / khz * 0x1p32));
}

}  // namespace

void check_fits(const TouchConfig& config) {
  check_guest(config.guest);
  if (edits_page_tables(config.guest.params)) {
    throw InputError("host-kvm: the guest's program edits page tables, which its real ones are not made for");
  }
  const std::uint64_t bytes = config.pages * kPageBytes;
  if (config.pages < 1 || config.pages > kMaxWorkingSetBytes / kPageBytes) {
    throw InputError(fmt::format("host-kvm: a working set of {} pages: choose 1..{}", config.pages,
                                 kMaxWorkingSetBytes / kPageBytes));
  }
  const std::uint64_t notes = notes_bytes(config.pages, config.guest.vcpus);
  if (notes > kMaxNotesBytes) {
    throw InputError(fmt::format("host-kvm: {} vCPUs note {} pages each: at most {} GiB of notes fit; choose fewer",
                                 config.guest.vcpus, config.pages, kMaxNotesBytes / kGiB));
  }
  const std::uint64_t available = available_memory_bytes();
  if (available != 0 && bytes + notes > available / 2) {
    throw InputError(fmt::format(
        "host-kvm: a working set of {} pages is real memory here, {:.1f} GiB with its notes: more than half of the "
        "{:.1f} GiB available; choose a smaller one",
        config.pages, static_cast<double>(bytes + notes) / kGiB, static_cast<double>(available) / kGiB));
  }
}

TouchVm::TouchVm(const TouchConfig& config)
    : working_set_(working_set_memory((check_fits(config), config))),
      notes_(Mapping::anonymous(notes_bytes(config.pages, config.guest.vcpus), "notes")),
      vm_({shadowwalk_touch_image, shadowwalk_touch_image_end}, config.guest.vcpus),
      pages_(config.pages),
      dirty_bitmap_((config.pages + kPagesAWord - 1) / kPagesAWord) {
  kvm::set_memory_slot(vm_.fd(), kNotesSlot, kNotesBase, notes_.bytes());
  if (config.log_dirty_pages) enable_dirty_log();
  add_memory_slot();
  for (unsigned i = 0; i < config.guest.vcpus; ++i) vcpus_.push_back(make_vcpu(config, i));
  init_control(config);
  vm_.open_statistics();
}

std::unique_ptr<TouchVcpu> TouchVm::make_vcpu(const TouchConfig& config, unsigned index) {
  kvm::KvmVcpu vcpu = vm_.make_vcpu(config.guest, index, "host-kvm");
  auto& log = *reinterpret_cast<TouchLog*>(vm_.at(kvm::vcpu_area(index).ring));
  for (TouchHistogram& histogram : log.of) histogram.min = std::numeric_limits<std::uint64_t>::max();
  log.clock.min = std::numeric_limits<std::uint64_t>::max();
  return std::make_unique<TouchVcpu>(std::move(vcpu), working_set_.bytes(), log);
}

void TouchVm::delete_memory_slot() { kvm::set_memory_slot(vm_.fd(), kWorkingSetSlot, kWorkingSetBase, {}); }

void TouchVm::add_memory_slot() {
  kvm::set_memory_slot(vm_.fd(), kWorkingSetSlot, kWorkingSetBase, working_set_.bytes(), slot_flags_);
}

// As VMMs do since Linux 5.2: reading the log does not protect the pages anew, clearing does.
void TouchVm::enable_dirty_log() {
  slot_flags_ = KVM_MEM_LOG_DIRTY_PAGES;
  const int offered = ioctl(vm_.fd(), KVM_CHECK_EXTENSION, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);
  if (offered <= 0 || (offered & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE) == 0) return;
  kvm_enable_cap enable{};
  enable.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2;
  enable.args[0] = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
  SHADOWWALK_KVM_IOCTL(vm_.fd(), KVM_ENABLE_CAP, &enable);
  clears_by_hand_ = true;
}

TouchControl& TouchVm::control() const { return *reinterpret_cast<TouchControl*>(notes_.bytes().data()); }

void TouchVm::init_control(const TouchConfig& config) {
  TouchControl& words = control();
  words.sequence = words.last_whole = kFirstBeat;
  words.pages = config.pages;
  words.coverage = config.coverage;
  if (!config.clocked) return;
  if (!CycleClock::is_tsc()) {
    clock_missing_ = fmt::format("the guest would clock its touches by a TSC that the lab does not trust: {}",
                                 CycleClock::describe());
    return;
  }
  words.ns_per_tick = ns_per_guest_tick(vcpus_.front()->fd());
  words.clocked = words.ns_per_tick != 0 ? 1 : 0;
  if (words.clocked == 0) clock_missing_ = "KVM_GET_TSC_KHZ does not tell the frequency of the guest's TSC";
}

void TouchVm::record_touches(bool on) { store_word(control().recording, on ? 1 : 0); }

void TouchVm::begin_beat() {
  store_word(control().sequence, control().sequence + 1);
  // The guest may not see any of the beat before the odd number: the action's own barriers would do, but are far away.
  full_fence();
}

void TouchVm::end_beat(PageRange concerned) {
  const std::uint64_t ended = control().sequence + 1;
  if (concerned.count == pages_) {
    store_word(control().last_whole, ended);
  } else {
    auto* beats = reinterpret_cast<std::uint64_t*>(notes_.bytes().data() + beats_offset());
    for (std::uint64_t i = 0; i < concerned.count; ++i) store_word(beats[concerned.first + i], ended);
  }
  store_word(control().sequence, ended);
}

std::uint64_t TouchVm::collect_dirty_log() {
  kvm_dirty_log log{};
  log.slot = kWorkingSetSlot;
  log.dirty_bitmap = dirty_bitmap_.data();
  SHADOWWALK_KVM_IOCTL(vm_.fd(), KVM_GET_DIRTY_LOG, &log);
  std::uint64_t found = 0;
  for (const std::uint64_t word : dirty_bitmap_) found += static_cast<std::uint64_t>(std::popcount(word));
  if (clears_by_hand_ && found != 0) {
    kvm_clear_dirty_log clear{};
    clear.slot = kWorkingSetSlot;
    clear.num_pages = static_cast<std::uint32_t>(pages_);
    clear.dirty_bitmap = dirty_bitmap_.data();
    SHADOWWALK_KVM_IOCTL(vm_.fd(), KVM_CLEAR_DIRTY_LOG, &clear);
  }
  return found;
}

void TouchVm::set_page_quota(unsigned long shadow_pages) {
  SHADOWWALK_KVM_IOCTL(vm_.fd(), KVM_SET_NR_MMU_PAGES, shadow_pages);
}

void TouchVm::discard(PageRange range) {
  const std::span<std::byte> bytes = working_set_.bytes().subspan(range.first * kPageBytes, range.count * kPageBytes);
  if (madvise(bytes.data(), bytes.size(), MADV_DONTNEED) != 0) {
    throw CellError(fmt::format("host-kvm: madvise(MADV_DONTNEED): {}", strerror(errno)));
  }
}

}  // namespace shadowwalk::host_kvm
