// What churn.swtrace was recorded of: a VM of two vCPUs that access devices and edit their page tables, while the host
// deletes and adds a memory slot and gives memory back. README.md says how to record it again.
#include <fmt/format.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <span>
#include <thread>
#include <vector>

#include "harness/guest/kvm_handle.hpp"
#include "harness/guest/kvm_vm.hpp"
#include "harness/guest/kvm_x86.hpp"
#include "harness/machine/error.hpp"

extern "C" const char churn_guest_begin[];
extern "C" const char churn_guest_end[];

namespace shadowwalk {
namespace {

using kvm::FileDescriptor;
using kvm::Mapping;

constexpr unsigned kVcpus = 2;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kMiB = 1 << 20;

// Guest-physical memory, mapped one to one: RAM, scratch memory, and a hole where devices are.
constexpr unsigned kRamSlot = 0, kScratchSlot = 1;
constexpr std::uint64_t kRamBytes = 4 * kMiB, kScratch = 16 * kMiB, kScratchBytes = kMiB, kDevices = 64 * kMiB;
// In RAM, each vCPU's own: two roots, tables, the edited table, the pages it maps.
constexpr std::uint64_t kCode = 0x10000, kTables = 0x20000, kTablesBytes = 8 * kPage, kPages = kMiB;
// Guest-virtual: where the edited table's pages appear.
constexpr std::uint64_t kEdited = 8 * kMiB;

constexpr std::uint64_t kTable = 0x27;      // present, writable, user, accessed
constexpr std::uint64_t kLeaf = 0x67;       // and dirty
constexpr std::uint64_t kLargeLeaf = 0xe7;  // and large

struct Tables {
  std::uint64_t roots[2], pdpt, directory, ram, edited;
};

Tables tables_of(unsigned vcpu) {
  const std::uint64_t base = kTables + vcpu * kTablesBytes;
  return {{base, base + kPage}, base + 2 * kPage, base + 3 * kPage, base + 4 * kPage, base + 5 * kPage};
}

void store(std::span<std::byte> ram, std::uint64_t address, std::uint64_t value) {
  std::memcpy(ram.subspan(address, sizeof value).data(), &value, sizeof value);
}

void build_tables(std::span<std::byte> ram, unsigned vcpu) {
  const Tables tables = tables_of(vcpu);
  for (const std::uint64_t root : tables.roots) store(ram, root, tables.pdpt | kTable);
  store(ram, tables.pdpt, tables.directory | kTable);
  const auto map = [&](std::uint64_t address, std::uint64_t entry) {
    store(ram, tables.directory + address / (2 * kMiB) * 8, entry);
  };
  map(0, tables.ram | kTable);
  for (std::uint64_t page = 0; page < 512; ++page) store(ram, tables.ram + page * 8, page * kPage | kLeaf);
  map(kEdited, tables.edited | kTable);
  map(kScratch, kScratch | kLargeLeaf);
  map(kDevices, kDevices | kLargeLeaf);
}

void set_root(int fd, std::uint64_t root) {
  kvm_sregs sregs{};
  SHADOWWALK_KVM_IOCTL(fd, KVM_GET_SREGS, &sregs);
  sregs.cr3 = root;
  SHADOWWALK_KVM_IOCTL(fd, KVM_SET_SREGS, &sregs);
}

void set_registers(int fd, unsigned vcpu) {
  kvm_sregs sregs{};
  SHADOWWALK_KVM_IOCTL(fd, KVM_GET_SREGS, &sregs);
  kvm::set_user_segments(sregs, 0x0b, 0x13);
  sregs.cr0 = 0x80010031;  // paging, write protection, numeric errors, protection
  sregs.cr3 = tables_of(vcpu).roots[0];
  sregs.cr4 = 0x20;    // PAE
  sregs.efer = 0x500;  // long mode
  SHADOWWALK_KVM_IOCTL(fd, KVM_SET_SREGS, &sregs);
  kvm_regs regs{};
  regs.rip = kCode;
  regs.rflags = 2 | 3 << 12;  // IOPL 3
  regs.r12 = tables_of(vcpu).edited;
  regs.r13 = kEdited;
  regs.r14 = kPages + vcpu * 64 * kPage;
  regs.r15 = kDevices + vcpu * 16 * kPage;
  regs.rbp = kScratch + vcpu * 16 * kPage;
  SHADOWWALK_KVM_IOCTL(fd, KVM_SET_REGS, &regs);
}

class Vm {
 public:
  Vm()
      : kvm_(kvm::open_kvm()),
        ram_(Mapping::anonymous(kRamBytes, "guest RAM")),
        scratch_(Mapping::anonymous(kScratchBytes, "scratch memory")),
        vm_(kvm::make_vm(kvm_.get())) {
    std::memcpy(ram_.bytes().data() + kCode, churn_guest_begin,
                static_cast<std::size_t>(churn_guest_end - churn_guest_begin));
    for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) build_tables(ram_.bytes(), vcpu);
    kvm::set_memory_slot(vm_.get(), kRamSlot, 0, ram_.bytes());
    kvm::set_memory_slot(vm_.get(), kScratchSlot, kScratch, scratch_.bytes());
    run_bytes_ = static_cast<std::size_t>(SHADOWWALK_KVM_IOCTL(kvm_.get(), KVM_GET_VCPU_MMAP_SIZE));
  }

  /// Runs a vCPU until its thread has seen `rounds` of the guest's rounds.
  void run_vcpu(unsigned index, unsigned rounds) {
    const FileDescriptor fd(SHADOWWALK_KVM_IOCTL(vm_.get(), KVM_CREATE_VCPU, static_cast<unsigned long>(index)));
    kvm::set_cpuid(kvm_.get(), fd.get());
    set_registers(fd.get(), index);
    const Mapping mapping = Mapping::shared(fd.get(), run_bytes_, "kvm_run");
    auto* run = reinterpret_cast<kvm_run*>(mapping.bytes().data());
    for (unsigned round = 0; round < rounds;) {
      if (ioctl(fd.get(), KVM_RUN, 0) < 0) {
        if (errno == EINTR || errno == EAGAIN) continue;
        throw CellError(fmt::format("KVM_RUN: {}", std::strerror(errno)));
      }
      if (run->exit_reason == KVM_EXIT_IO) {
        set_root(fd.get(), tables_of(index).roots[++round % 2]);
      } else if (run->exit_reason != KVM_EXIT_MMIO) {
        throw CellError(fmt::format("vCPU {}: {}", index, kvm::describe_exit(*run)));
      }
    }
  }

  void flip_scratch() {
    kvm::set_memory_slot(vm_.get(), kScratchSlot, kScratch, {});
    kvm::set_memory_slot(vm_.get(), kScratchSlot, kScratch, scratch_.bytes());
  }
  void give_back_scratch() { madvise(scratch_.bytes().data(), kScratchBytes / 4, MADV_DONTNEED); }

 private:
  FileDescriptor kvm_;
  Mapping ram_;
  Mapping scratch_;
  FileDescriptor vm_;
  std::size_t run_bytes_ = 0;
};

void churn(unsigned rounds) {
  Vm vm;
  std::atomic<unsigned> running = kVcpus;
  std::exception_ptr failure[kVcpus];
  std::vector<std::jthread> threads;
  for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) {
    threads.emplace_back([&, vcpu] {
      try {
        vm.run_vcpu(vcpu, rounds);
      } catch (...) {
        failure[vcpu] = std::current_exception();
      }
      --running;
    });
  }
  for (unsigned beat = 0; running > 0; ++beat) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (beat % 4 == 3) {
      vm.flip_scratch();
    } else if (beat % 2 == 0) {
      vm.give_back_scratch();
    }
  }
  threads.clear();
  for (const std::exception_ptr& error : failure) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace
}  // namespace shadowwalk

int main(int argc, char** argv) {
  char* end = nullptr;
  const unsigned long rounds = argc == 2 ? std::strtoul(argv[1], &end, 10) : 0;
  if (rounds == 0 || rounds > 1'000'000 || *end != '\0') {
    fmt::print(stderr, "usage: record_churn ROUNDS   (1 to 1000000; each vCPU's)\n");
    return 2;
  }
  try {
    shadowwalk::churn(static_cast<unsigned>(rounds));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "record_churn: {}\n", error.what());
    return 1;
  }
}
