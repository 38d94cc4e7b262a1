#include "harness/guest/kvm_x86.hpp"

#include <fmt/core.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>
#include <vector>

#include "harness/guest/access_ring.hpp"
#include "harness/guest/kvm_handle.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::kvm {
namespace {

using guest_abi::kPageBytes;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kGiB = 1 << 30;
constexpr std::uint64_t kLargePage = 2 * kMiB;

// The system area.
constexpr std::uint64_t kGdt = kRamBase;
constexpr std::uint64_t kIdt = kGdt + kPageBytes;
constexpr std::uint64_t kPml4 = kIdt + kPageBytes;
constexpr std::uint64_t kPdpt = kPml4 + kPageBytes;
constexpr std::uint64_t kPageDirectories = kPdpt + kPageBytes;
constexpr std::uint64_t kRamGiBs = 2;  // identity-mapped for RAM: the areas of 1,024 vCPUs end a little above 1 GiB
constexpr std::uint64_t kApertureGiBs = guest_abi::kApertureBytes / kGiB;
constexpr std::uint64_t kTss = kPageDirectories + (kRamGiBs + kApertureGiBs) * kPageBytes;
constexpr std::uint64_t kTssBytes = 128;  // 104 are architectural

// The image area.
constexpr std::uint64_t kStubs = guest_abi::kImageBase + guest_abi::kMaxImageBytes;
constexpr std::uint64_t kStubBytes = 16;
constexpr unsigned kVectors = 32;

// The vCPUs' areas.
constexpr std::uint64_t kVcpuAreas = 0x600000;
constexpr std::uint64_t kVcpuAreaBytes = kMiB;

constexpr std::uint16_t kCodeSelector = 1 << 3 | 3;
constexpr std::uint16_t kDataSelector = 2 << 3 | 3;
constexpr std::uint64_t kCodeDescriptor = 0x00affb000000ffff;  // 64-bit code, DPL 3, accessed
constexpr std::uint64_t kDataDescriptor = 0x00cff3000000ffff;  // data, DPL 3, accessed

constexpr std::uint64_t kPresent = 1 << 0, kWritable = 1 << 1, kUser = 1 << 2, kAccessed = 1 << 5, kDirty = 1 << 6,
                        kLarge = 1 << 7, kNoExecute = std::uint64_t{1} << 63;

static_assert(kVcpuAreas + 1024 * kVcpuAreaBytes <= kRamGiBs * kGiB);
static_assert(kTss + 1024 * kTssBytes <= guest_abi::kImageBase);
static_assert(kStubs + kVectors * kStubBytes <= kVcpuAreas);

// struct kvm_cpuid2 is a header of 8 bytes and a flexible array, but some versions of <linux/stddef.h> put that array
// behind an empty struct, which has one byte in C++: sizeof, and with it the ioctl's number, comes out wrong.
constexpr std::size_t kCpuidHeaderBytes = 8;
constexpr unsigned long kGetSupportedCpuid = _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x05, kCpuidHeaderBytes);
constexpr unsigned long kSetCpuid2 = _IOC(_IOC_WRITE, KVMIO, 0x90, kCpuidHeaderBytes);

/// Little-endian stores into guest RAM by guest-physical address.
class Ram {
 public:
  explicit Ram(std::span<std::byte> bytes) : bytes_(bytes) {}

  void copy(std::uint64_t address, const void* source, std::size_t count) {
    std::memcpy(bytes_.subspan(address - kRamBase, count).data(), source, count);
  }
  void store(std::uint64_t address, std::uint64_t value) { copy(address, &value, sizeof value); }

 private:
  std::span<std::byte> bytes_;
};

/// What the guest may do with the 2 MiB page at `address`.
std::uint64_t large_page(std::uint64_t address) {
  const std::uint64_t flags = kPresent | kAccessed | kDirty | kLarge;
  if (address < guest_abi::kImageBase) return address | flags | kNoExecute;
  if (address < kVcpuAreas) return address | flags | kUser;
  return address | flags | kUser | kWritable | kNoExecute;
}

// Identity: 2 MiB pages over RAM and over the aperture. Accessed and dirty are set, so that no CPU has to.
void build_page_tables(Ram ram, std::size_t ram_size) {
  constexpr std::uint64_t kTable = kPresent | kWritable | kUser | kAccessed;
  ram.store(kPml4, kPdpt | kTable);
  std::uint64_t directory = kPageDirectories;
  const auto map = [&](std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t address = begin; address < end; address += kLargePage) {
      const std::uint64_t table = directory + (address - begin / kGiB * kGiB) / kGiB * kPageBytes;
      ram.store(kPdpt + address / kGiB * 8, table | kTable);
      ram.store(table + address % kGiB / kLargePage * 8, large_page(address));
    }
  };
  map(kRamBase, kRamBase + ram_size);
  directory += kRamGiBs * kPageBytes;
  map(guest_abi::kApertureBase, guest_abi::kApertureBase + guest_abi::kApertureBytes);
}

constexpr bool pushes_error_code(unsigned vector) {
  return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30;
}

// An exception is taken at CPL 3 (a gate to a segment of the same privilege), on a stack of its own (IST 1), by a stub
// that pushes what the frame lacks and reports. Without one it would end in a triple fault, after which AMD's KVM
// resets the vCPU and its rip is lost.
void build_exception_path(Ram ram, unsigned vcpus) {
  ram.store(kGdt + kCodeSelector / 8 * 8, kCodeDescriptor);
  ram.store(kGdt + kDataSelector / 8 * 8, kDataDescriptor);
  for (unsigned vector = 0; vector < kVectors; ++vector) {
    std::vector<std::uint8_t> stub;
    if (!pushes_error_code(vector)) stub.insert(stub.end(), {0x6a, 0});                               // push 0
    stub.insert(stub.end(), {0x6a, static_cast<std::uint8_t>(vector)});                               // push vector
    stub.insert(stub.end(), {0xe6, guest_abi::kExceptionPort, 0xeb, static_cast<std::uint8_t>(-4)});  // out; repeat
    const std::uint64_t entry = kStubs + vector * kStubBytes;
    ram.copy(entry, stub.data(), stub.size());

    constexpr std::uint64_t kInterruptGate = std::uint64_t{0x8e} << 40, kIst1 = std::uint64_t{1} << 32;
    ram.store(kIdt + vector * 16, (entry & 0xffff) | std::uint64_t{kCodeSelector} << 16 | kIst1 | kInterruptGate |
                                      (entry >> 16 & 0xffff) << 48);
    ram.store(kIdt + vector * 16 + 8, entry >> 32);
  }
  constexpr std::uint64_t kIst1Offset = 36;
  for (unsigned i = 0; i < vcpus; ++i) {
    ram.store(kTss + i * kTssBytes + kIst1Offset, vcpu_area(i).exception_stack_top);
  }
}

kvm_segment segment(std::uint16_t selector, std::uint8_t type, bool code) {
  kvm_segment result{};
  result.limit = 0xffffffff;
  result.selector = selector;
  result.type = type;
  result.present = 1;
  result.dpl = 3;
  result.db = code ? 0 : 1;
  result.s = 1;
  result.l = code ? 1 : 0;
  result.g = 1;
  return result;
}

const char* exception_name(std::uint64_t vector) {
  using Row = std::pair<std::uint64_t, const char*>;
  constexpr Row kNames[] = {{0, "divide error"},
                            {1, "debug exception"},
                            {3, "breakpoint"},
                            {4, "overflow"},
                            {5, "bound range exceeded"},
                            {6, "invalid opcode"},
                            {7, "device not available (the image uses x87 or SSE)"},
                            {8, "double fault"},
                            {10, "invalid TSS"},
                            {11, "segment not present"},
                            {12, "stack fault"},
                            {13, "general protection fault"},
                            {14, "page fault"},
                            {16, "x87 error"},
                            {17, "alignment check"},
                            {18, "machine check"},
                            {19, "SIMD error"}};
  const auto* const row = std::ranges::find(kNames, vector, &Row::first);
  return row == std::end(kNames) ? "exception" : row->second;
}

}  // namespace

std::size_t ram_bytes(unsigned vcpus) {
  // Whole large pages, as the page tables map no less.
  const std::uint64_t end = kVcpuAreas + vcpus * kVcpuAreaBytes;
  return (end + kLargePage - 1) / kLargePage * kLargePage - kRamBase;
}

VcpuArea vcpu_area(unsigned index) {
  const std::uint64_t base = kVcpuAreas + index * kVcpuAreaBytes;
  static_assert(sizeof(GuestProgramState) <= kPageBytes);
  static_assert(8 * kPageBytes + AccessRing::bytes_for(65536) <= kVcpuAreaBytes);
  return {.state = base,
          .exception_stack_top = base + 2 * kPageBytes,
          .stack_top = base + 8 * kPageBytes,
          .ring = base + 8 * kPageBytes};
}

void build_memory(std::span<std::byte> bytes, std::span<const std::byte> image, unsigned vcpus) {
  if (image.size() > guest_abi::kMaxImageBytes) {
    throw InputError(
        fmt::format("guest kvm: an image of {} bytes; at most {} fit", image.size(), guest_abi::kMaxImageBytes));
  }
  Ram ram(bytes);
  ram.copy(guest_abi::kImageBase, image.data(), image.size());
  build_page_tables(ram, bytes.size());
  build_exception_path(ram, vcpus);
}

void set_user_segments(kvm_sregs& sregs, std::uint16_t code_selector, std::uint16_t data_selector) {
  constexpr std::uint8_t kExecuteRead = 11, kReadWrite = 3;  // and accessed
  sregs.cs = segment(code_selector, kExecuteRead, true);
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = segment(data_selector, kReadWrite, false);
}

void set_initial_registers(int vcpu_fd, unsigned index) {
  kvm_sregs sregs{};
  SHADOWWALK_KVM_IOCTL(vcpu_fd, KVM_GET_SREGS, &sregs);
  set_user_segments(sregs, kCodeSelector, kDataSelector);
  sregs.tr = {};
  sregs.tr.base = kTss + index * kTssBytes;
  sregs.tr.limit = 103;
  sregs.tr.selector = 3 << 3;  // not in the GDT: loaded here once, never by the guest
  sregs.tr.type = 11;          // busy 64-bit TSS
  sregs.tr.present = 1;
  sregs.ldt = {};
  sregs.ldt.type = 2;
  sregs.ldt.unusable = 1;
  sregs.gdt = {.base = kGdt, .limit = 3 * 8 - 1, .padding = {}};
  sregs.idt = {.base = kIdt, .limit = kVectors * 16 - 1, .padding = {}};
  constexpr std::uint64_t kPe = 1, kExtensionType = 1 << 4, kNumericError = 1 << 5, kWriteProtect = 1 << 16,
                          kPaging = std::uint64_t{1} << 31;
  sregs.cr0 = kPe | kExtensionType | kNumericError | kWriteProtect | kPaging;
  sregs.cr3 = kPml4;
  sregs.cr4 = 1 << 5;  // PAE
  constexpr std::uint64_t kLongModeEnable = 1 << 8, kLongModeActive = 1 << 10, kNoExecuteEnable = 1 << 11;
  sregs.efer = kLongModeEnable | kLongModeActive | kNoExecuteEnable;
  SHADOWWALK_KVM_IOCTL(vcpu_fd, KVM_SET_SREGS, &sregs);

  const VcpuArea area = vcpu_area(index);
  kvm_regs regs{};
  regs.rip = guest_abi::kImageBase;
  regs.rsp = area.stack_top - 8;  // as after a call
  regs.rdi = area.state;
  regs.rsi = area.ring;
  regs.rflags = 1 << 1 | 3 << 12;  // bit 1 is always set; IOPL 3 lets CPL 3 ring the doorbell
  SHADOWWALK_KVM_IOCTL(vcpu_fd, KVM_SET_REGS, &regs);
}

void set_cpuid(int kvm_fd, int vcpu_fd) {
  // KVM does not tell how many entries it has; it says E2BIG while there are too few.
  for (std::uint32_t count = 64;; count *= 2) {
    std::vector<std::uint32_t> buffer((kCpuidHeaderBytes + count * sizeof(kvm_cpuid_entry2)) / sizeof(std::uint32_t));
    buffer[0] = count;
    if (ioctl(kvm_fd, kGetSupportedCpuid, buffer.data()) == 0) {
      checked_ioctl(vcpu_fd, kSetCpuid2, "KVM_SET_CPUID2", buffer.data());
      return;
    }
    if (errno != E2BIG || count > 4096) {
      throw CellError(fmt::format("guest kvm: KVM_GET_SUPPORTED_CPUID: {}", strerror(errno)));
    }
  }
}

void set_tss_address(int vm_fd) {
  constexpr unsigned long kTssAddress = 0xfffbd000;
  SHADOWWALK_KVM_IOCTL(vm_fd, KVM_SET_TSS_ADDR, kTssAddress);
}

std::string describe_exception(int vcpu_fd, std::span<const std::byte> ram) {
  kvm_regs regs{};
  kvm_sregs sregs{};
  if (ioctl(vcpu_fd, KVM_GET_REGS, &regs) != 0 || ioctl(vcpu_fd, KVM_GET_SREGS, &sregs) != 0) {
    return "an exception (its registers cannot be read)";
  }
  struct Frame {
    std::uint64_t vector, error_code, rip;
  } frame;
  const std::uint64_t offset = regs.rsp - kRamBase;
  if (offset > ram.size() || ram.size() - offset < sizeof frame) {
    return fmt::format("an exception report with a wild stack pointer {:#x}: the guest lies", regs.rsp);
  }
  std::memcpy(&frame, ram.data() + offset, sizeof frame);
  std::string text = fmt::format("{} (vector {}), error code {:#x}, at rip {:#x}", exception_name(frame.vector),
                                 frame.vector, frame.error_code, frame.rip);
  constexpr std::uint64_t kPageFault = 14;
  if (frame.vector == kPageFault) text += fmt::format(", address {:#x}", sregs.cr2);
  return text;
}

std::string describe_rip(int vcpu_fd) {
  kvm_regs regs{};
  if (ioctl(vcpu_fd, KVM_GET_REGS, &regs) != 0) return fmt::format("rip unknown: KVM_GET_REGS: {}", strerror(errno));
  return fmt::format("rip {:#x}", regs.rip);
}

}  // namespace shadowwalk::kvm
