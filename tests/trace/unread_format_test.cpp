#include "harness/trace/unread_format.hpp"

#include <gmock/gmock.h>

#include <string>

namespace shadowwalk::trace {
namespace {

using namespace std::string_literals;

TEST(UnreadFormat, OfAFilesFirstBytes) {
  const auto name = [](const std::string& start) { return std::string(unread_file_format(start).name); };
  EXPECT_EQ(name("\x1f\x8b rest"), "compressed with gzip");
  EXPECT_EQ(name("\x28\xb5\x2f\xfd rest"), "compressed with zstd");
  EXPECT_EQ(name("\xfd\x37zXZ rest"), "compressed with xz");
  EXPECT_EQ(name("BZh9 rest"), "compressed with bzip2");
  EXPECT_EQ(name("\x04\x22\x4d\x18 rest"), "compressed with lz4");
  EXPECT_EQ(name("PK\x03\x04 rest"), "a zip archive");
  EXPECT_EQ(name(std::string(257, 'a') + "ustar"), "a tar archive");
  EXPECT_EQ(name("\xff\xfe"s + "q\0e\0m\0u\0"s), "UTF-16 text");
  EXPECT_EQ(name("\xfe\xff"s + "\0q\0e\0m\0u"s), "UTF-16 text");
  EXPECT_EQ(name("\xff\xfe\0\0"s), "UTF-32 text");
  EXPECT_EQ(name("q\0e\0m\0u\0-\0s\0y\0s\0"s), "UTF-16 text");
  EXPECT_EQ(name("\0q\0e\0m\0u\0-\0s\0y\0s"s), "UTF-16 text");
  for (const std::string& other : {""s, "CPU 0/KVM 4250 [003]"s, "B"s, "\x1f"s, std::string(300, '\0')}) {
    EXPECT_EQ(name(other), "") << other;
  }
}

TEST(UnreadFormat, OfALine) {
  const auto name = [](std::string_view line) { return std::string(unread_line_format(line).name); };
  EXPECT_EQ(name("     0.003 CPU 0/KVM/4250 kvm:kvm_page_fault(guest_rip: 0x400000, error_code: 385)"), "`perf trace`");
  EXPECT_EQ(name(" 1234.003 ( 0.012 ms): qemu/4250 ioctl(fd: 13<anon_inode>, cmd: 0xae80) = 0"), "`perf trace`");
  EXPECT_EQ(name(" 3)   0.123 us    |  vmx_vcpu_run();"), "ftrace's function_graph tracer");
  EXPECT_EQ(name("# tracer: function"), "ftrace's function tracer");
  EXPECT_EQ(name("# tracer: nop"), "");
  EXPECT_EQ(name("{\"traceEvents\": []}"), "JSON");
  EXPECT_EQ(name("<!DOCTYPE html>"), "HTML or XML");
  EXPECT_EQ(name("[16:51:57.1] (+0.1) host kvm_x86_entry: { cpu_id = 3 }, { vcpu_id = 0 }"), "babeltrace (LTTng)");
  EXPECT_EQ(name("  qemu-4250 4250 3 d..1 0 00000001 [000000000a1b] 12.345ms (+0.001ms): kvm_exit: x"),
            "ftrace's verbose latency format");
  EXPECT_EQ(name("0x1b8 [0x50]: PERF_RECORD_SAMPLE(IP, 0x1): 1/1: 0xffff period: 1 addr: 0"),
            "a raw dump (`perf script -D`)");
  EXPECT_EQ(name("qemu 4250 [003] kvm:kvm_exit: vcpu 0"), "KVM's events without their thread or time");
  EXPECT_EQ(name("123.456: kvm:kvm_exit: vcpu 0"), "KVM's events without their thread or time");
  for (const char* other : {"", "cpus=4", "\tffffffff81000000 kvm_fpu+0x12 ([kvm])", "0.5", "(", "1.2345678("}) {
    EXPECT_EQ(name(other), "") << other;
  }
}

}  // namespace
}  // namespace shadowwalk::trace
