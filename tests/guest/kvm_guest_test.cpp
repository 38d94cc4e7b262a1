#include "harness/guest/kvm_guest.hpp"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "harness/guest/guest_abi.hpp"
#include "harness/guest/kvm_handle.hpp"
#include "tests/guest/guest_fixture.hpp"

namespace shadowwalk {
namespace {

using test::cell_error;
using test::config_of;
using test::mmio_poll;
using test::next_accesses;
using test::TestImage;
using test::uniform_ram;
using testing::AllOf;
using testing::HasSubstr;

class KvmGuest : public testing::Test {
 protected:
  void SetUp() override { SHADOWWALK_NEED_KVM(); }

  static std::string crash(const TestImage& image, unsigned burst = 2) {
    const auto guest = image.make(burst, 2);
    return cell_error([&] { guest->vcpu(1).enter(); });
  }
};

// The aperture is smaller than the window: pages far apart share an address in it, and must not be confused.
TEST_F(KvmGuest, MmioExitsReachTheWholeWindow) {
  for (const GuestKind kind : {GuestKind::kvm, GuestKind::thread}) {
    GuestConfig config = config_of(kind, uniform_guest(guest_abi::kWindowPages), 1);
    config.params.base_gfn = 0;
    const auto guest = make_guest(config);
    std::uint64_t greatest = 0;
    for (const std::uint64_t word : next_accesses(guest->vcpu(0), 500)) {
      greatest = std::max(greatest, Access{word}.gfn());
    }
    EXPECT_GT(greatest, guest_abi::kWindowPages / 2);
  }
}

TEST_F(KvmGuest, VcpusRunAtTheSameTime) {
  constexpr unsigned kVcpus = 8;  // more than CPUs, and than KVM_CAP_NR_VCPUS on small hosts
  constexpr std::size_t kAccesses = 50 * 1024;
  const auto kvm = make_guest(config_of(GuestKind::kvm, uniform_ram(), 1024, kVcpus));
  const auto thread = make_guest(config_of(GuestKind::thread, uniform_ram(), 1024, kVcpus));
  std::vector<std::vector<std::uint64_t>> streams(kVcpus);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kVcpus; ++i) {
    threads.emplace_back([&, i] { streams[i] = next_accesses(kvm->vcpu(i), kAccesses); });
  }
  for (std::thread& runner : threads) runner.join();
  for (unsigned i = 0; i < kVcpus; ++i) EXPECT_EQ(streams[i], next_accesses(thread->vcpu(i), kAccesses)) << i;
}

TEST_F(KvmGuest, MakesAsManyVcpusAsTheRangeAllowsOrSaysHowMany) {
  try {
    const auto guest = make_guest(config_of(GuestKind::kvm, mmio_poll(), 2, 600));
    EXPECT_EQ(guest->vcpu(599).enter().size(), 2u);
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("this host's KVM makes at most"));
  }
}

TEST_F(KvmGuest, ImmediateExitReturnsWithoutAccess) {
  for (const unsigned burst : {1u, 64u}) {
    const auto guest = make_guest(config_of(GuestKind::kvm, mmio_poll(), burst));
    GuestVcpu& vcpu = guest->vcpu(0);
    EXPECT_EQ(vcpu.enter().size(), burst);
    std::atomic_ref(vcpu.immediate_exit()).store(1);
    EXPECT_TRUE(vcpu.enter().empty());
    EXPECT_TRUE(vcpu.enter().empty()) << "enter() must not clear it";
    std::atomic_ref(vcpu.immediate_exit()).store(0);
    EXPECT_EQ(vcpu.enter().size(), burst);
  }
}

// Crashes. The images' bytes are x86-64 code, loaded at 0x400000.

TEST_F(KvmGuest, ExceptionsAreNamedWithTheirRip) {
  EXPECT_THAT(crash({0x90, 0xf4}),  // nop; hlt: privileged
              AllOf(HasSubstr("guest vCPU 1"), HasSubstr("general protection fault (vector 13)"),
                    HasSubstr("at rip 0x400001")));
  EXPECT_THAT(crash({0x0f, 0x0b}), AllOf(HasSubstr("invalid opcode"), HasSubstr("at rip 0x400000")));
  EXPECT_THAT(crash({0x31, 0xc9, 0xf7, 0xf1}),  // xor ecx, ecx; div ecx
              AllOf(HasSubstr("divide error"), HasSubstr("at rip 0x400002")));
  EXPECT_THAT(crash({0x48, 0x8b, 0x04, 0x25, 0x10, 0, 0, 0}),  // mov rax, [0x10]
              AllOf(HasSubstr("page fault (vector 14), error code 0x4"), HasSubstr("at rip 0x400000"),
                    HasSubstr("address 0x10")));
}

TEST_F(KvmGuest, ABadStackDoesNotHideTheException) {
  EXPECT_THAT(crash({0x31, 0xe4, 0x50}),  // xor esp, esp; push rax
              AllOf(HasSubstr("vector"), HasSubstr("at rip 0x400002")));
}

TEST_F(KvmGuest, TheSystemAreaAndTheImageAreNotTheGuestsToWrite) {
  EXPECT_THAT(crash({0x48, 0x89, 0x04, 0x25, 0, 0x10, 0x20, 0}),  // mov [0x201000], rax: the IDT
              AllOf(HasSubstr("page fault"), HasSubstr("error code 0x7"), HasSubstr("address 0x201000")));
  EXPECT_THAT(crash({0x48, 0x89, 0x04, 0x25, 0, 0, 0x40, 0}),  // mov [0x400000], rax
              AllOf(HasSubstr("page fault"), HasSubstr("error code 0x7"), HasSubstr("address 0x400000")));
  EXPECT_THAT(crash({0xff, 0xe6}),  // jmp rsi: into the ring
              AllOf(HasSubstr("page fault"), HasSubstr("error code 0x15")));
}

TEST_F(KvmGuest, TripleFaultIsNamed) {
  const auto guest = TestImage({0x0f, 0x0b}).make(2);
  auto& vcpu = dynamic_cast<kvm::KvmGuestVcpu&>(guest->vcpu(0));
  kvm_sregs sregs{};
  SHADOWWALK_KVM_IOCTL(vcpu.fd(), KVM_GET_SREGS, &sregs);
  sregs.idt.limit = 0;  // the invalid opcode finds no handler, nor does the double fault
  SHADOWWALK_KVM_IOCTL(vcpu.fd(), KVM_SET_SREGS, &sregs);
  EXPECT_THAT(cell_error([&] { vcpu.enter(); }),
              AllOf(HasSubstr("guest vCPU 0"), HasSubstr("KVM_EXIT_SHUTDOWN: triple fault"), HasSubstr("rip 0x")));
}

TEST_F(KvmGuest, UnexpectedPortsAreNamed) {
  EXPECT_THAT(crash({0xe6, 0x80}), AllOf(HasSubstr("guest vCPU 1"), HasSubstr("KVM_EXIT_IO: out of 1 x 1 bytes"),
                                         HasSubstr("port 0x80"), HasSubstr("rip 0x4000")));
  EXPECT_THAT(crash({0xe4, 0x60}), AllOf(HasSubstr("KVM_EXIT_IO: in of"), HasSubstr("port 0x60")));
  EXPECT_THAT(crash({0xe4, guest_abi::kDoorbellPort}), HasSubstr("KVM_EXIT_IO: in of"));
  EXPECT_THAT(crash({0xe6, guest_abi::kDoorbellPort}, 1), HasSubstr("KVM_EXIT_IO: out of")) << "no doorbell at burst 1";
}

// 48 b8 imm64: mov rax, the aperture plus 0x2000, that is gfn 2 in it.
#define LOAD_APERTURE_GFN_2 0x48, 0xb8, 0, 0x20, 0, 0, 8, 0, 0, 0

TEST_F(KvmGuest, UnexpectedMmioIsNamed) {
  EXPECT_THAT(
      crash({LOAD_APERTURE_GFN_2, 0x48, 0x8b, 0x00}),  // mov rax, [rax], where a doorbell is due
      AllOf(HasSubstr("unexpected KVM_EXIT_MMIO: read of 8 bytes at gpa 0x800002000"), HasSubstr("rip 0x4000")));
}

TEST_F(KvmGuest, AnInstructionThatKvmCannotEmulateIsNamed) {
  const kvm::FileDescriptor kvm(open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (ioctl(kvm.get(), KVM_CHECK_EXTENSION, KVM_CAP_EXIT_ON_EMULATION_FAILURE) <= 0) {
    GTEST_SKIP() << "no KVM_CAP_EXIT_ON_EMULATION_FAILURE (Linux 5.12)";
  }
  EXPECT_THAT(crash({LOAD_APERTURE_GFN_2, 0xdd, 0x00}, 1),  // fld qword [rax]
              AllOf(HasSubstr("KVM_EXIT_INTERNAL_ERROR: suberror 1"), HasSubstr("rip 0x40000a")));
}

// Lies. rsi is the ring: +0 the count, +8 the length, +16 the idle time, +64 the first entry.
// 48 c7 46 disp8 imm32: mov qword [rsi + disp], imm32, sign-extended; 48 c7 06 imm32: the same at rsi.
#define STORE_COUNT_1 0x48, 0xc7, 0x06, 1, 0, 0, 0
#define STORE_LENGTH_1 0x48, 0xc7, 0x46, 8, 1, 0, 0, 0

TEST_F(KvmGuest, ALyingRingEndsTheCell) {
  constexpr int kDoorbell = guest_abi::kDoorbellPort;
  EXPECT_THAT(crash({0xe6, kDoorbell}), AllOf(HasSubstr("guest vCPU 1"), HasSubstr("ring length 0")));
  EXPECT_THAT(crash({0x48, 0xc7, 0x46, 8, 0xff, 0xff, 0xff, 0xff, 0xe6, kDoorbell}),
              HasSubstr("ring length 18446744073709551615 is not in 1..2"));
  EXPECT_THAT(crash({STORE_LENGTH_1, 0xe6, kDoorbell}), HasSubstr("ring count 0 after 0"));
  EXPECT_THAT(crash({STORE_COUNT_1, STORE_LENGTH_1, 0x48, 0xc7, 0x46, 64, 0xfc, 0xff, 0xff, 0xff, 0xe6, kDoorbell}),
              HasSubstr("ring entry 0 of 1 has gfn 0x3fffffffffffffff"));
  EXPECT_THAT(crash({STORE_COUNT_1, STORE_LENGTH_1, 0x48, 0xc7, 0x46, 16, 0x41, 0x42, 0x0f, 0, 0xe6, kDoorbell}),
              HasSubstr("ring idle time of 1000001 us"));
}

TEST_F(KvmGuest, AnMmioExitThatTheRingDeniesEndsTheCell) {
  // The ring says: gfn 1, read. The access: gfn 2, read.
  EXPECT_THAT(crash({STORE_COUNT_1, STORE_LENGTH_1, 0x48, 0xc7, 0x46, 64, 1 << 2, 0, 0, 0, LOAD_APERTURE_GFN_2, 0x48,
                     0x8b, 0x00},
                    1),
              AllOf(HasSubstr("KVM_EXIT_MMIO: read at gpa 0x800002000"), HasSubstr("ring says read gfn 0x1")));
  // The ring says: gfn 2, read. The access: gfn 2, write.
  EXPECT_THAT(crash({STORE_COUNT_1, STORE_LENGTH_1, 0x48, 0xc7, 0x46, 64, 2 << 2, 0, 0, 0, LOAD_APERTURE_GFN_2, 0x48,
                     0x89, 0x00},
                    1),
              AllOf(HasSubstr("KVM_EXIT_MMIO: write"), HasSubstr("ring says read gfn 0x2")));
  // The ring says: the page-table page of gfn 2, which is written. The access: gfn 2, read.
  EXPECT_THAT(crash({STORE_COUNT_1, STORE_LENGTH_1, 0x48, 0xc7, 0x46, 64, 2 << 2 | 3, 0, 0, 0, LOAD_APERTURE_GFN_2,
                     0x48, 0x8b, 0x00},
                    1),
              AllOf(HasSubstr("KVM_EXIT_MMIO: read"), HasSubstr("ring says write gfn 0x2")));
}

TEST_F(KvmGuest, AForgedExceptionReportEndsTheCellOnly) {
  EXPECT_THAT(crash({0x31, 0xe4, 0xe6, guest_abi::kExceptionPort}),  // xor esp, esp; out
              HasSubstr("wild stack pointer 0x0"));
}

TEST_F(KvmGuest, AnImageThatIsTooLargeIsRefused) {
  const std::vector<std::byte> image(guest_abi::kMaxImageBytes + 1);
  GuestConfig config = config_of(GuestKind::kvm, mmio_poll(), 1);
  config.program.image = image;
  EXPECT_THROW(make_guest(config), InputError);
}

}  // namespace
}  // namespace shadowwalk
