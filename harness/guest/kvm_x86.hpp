#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "harness/guest/guest_abi.hpp"
#include "harness/guest/guest_params.hpp"

struct kvm_sregs;

/// The x86 part of KVM guests: what is where in guest-physical memory, the tables the CPU walks, and its registers.
///
///   2 MiB  system area: GDT, page tables, IDT and TSSs. Supervisor-only: the guest's code, all of it at CPL 3, cannot
///          touch them.
///   4 MiB  the flat image, and in the last page the exception stubs. Read-only.
///   6 MiB  one area a vCPU: state, stacks, ring. Writable, not executable.
///   32 GiB the aperture (guest_abi.hpp), mapped and backed by nothing.
///
/// All code runs at CPL 3, as some nested hosts emulate CPL 0 at a microsecond an instruction. The page tables are
/// complete before the first entry: some hosts do not notice when the *host* edits them later.
namespace shadowwalk::kvm {

inline constexpr std::uint64_t kRamBase = 0x200000;

/// Bytes of guest RAM from kRamBase on that `vcpus` vCPUs need.
std::size_t ram_bytes(unsigned vcpus);

/// The parts of one vCPU's area, as guest-physical addresses.
struct VcpuArea {
  std::uint64_t state;
  std::uint64_t exception_stack_top;
  std::uint64_t stack_top;
  std::uint64_t ring;  ///< with room for 65536 entries
};
VcpuArea vcpu_area(unsigned index);

/// Fills the system area and the image area of zeroed RAM. Throws InputError if the image is too large.
void build_memory(std::span<std::byte> ram, std::span<const std::byte> image, unsigned vcpus);

/// Segments over all of memory at CPL 3: 64-bit code, and data. Pure.
void set_user_segments(kvm_sregs& sregs, std::uint16_t code_selector, std::uint16_t data_selector);

/// Registers of a vCPU that is about to execute the image's first byte at CPL 3. Throws CellError on ioctl failure.
void set_initial_registers(int vcpu_fd, unsigned index);

/// KVM_SET_CPUID2 with all that KVM_GET_SUPPORTED_CPUID reports.
void set_cpuid(int kvm_fd, int vcpu_fd);

/// KVM_SET_TSS_ADDR, outside of RAM and aperture: Intel CPUs without unrestricted guests insist on it.
void set_tss_address(int vm_fd);

/// What the exception stub found, in words ("general protection fault (vector 13), error code 0x0, at rip 0x400123").
/// The frame that it reads from `ram` was written by the CPU, but a guest may forge one.
std::string describe_exception(int vcpu_fd, std::span<const std::byte> ram);

/// "rip 0x400123", or that it cannot be read.
std::string describe_rip(int vcpu_fd);

}  // namespace shadowwalk::kvm
