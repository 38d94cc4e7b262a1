#include "harness/measure/memory.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace shadowwalk {
namespace {

TEST(MemoryTest, RssGrowsByWhatIsTouchedAndShrinksByWhatIsGivenBack) {
  constexpr std::size_t kBytes = 64u << 20;
  constexpr std::uint64_t kSlack = 8u << 20;  // counters that are added up late, and other memory of the process
  const std::uint64_t before = rss_bytes();
  EXPECT_GT(before, 0u);
  void* reserved = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(reserved, MAP_FAILED);
  EXPECT_LE(rss_bytes(), before + kSlack) << "what nobody has touched is not resident";
  ASSERT_EQ(munmap(reserved, kBytes), 0);
  // Touched by the kernel: a sanitizer's shadow of it is not.
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const std::uint64_t touched = rss_bytes();
  EXPECT_GE(touched + kSlack, before + kBytes);
  EXPECT_LE(touched, before + kBytes + kSlack);
  ASSERT_EQ(munmap(memory, kBytes), 0);
  EXPECT_LE(rss_bytes(), before + kSlack);
}

TEST(MemoryTest, SecPageTablesAreToldWhereTheKernelTellsThem) {
  std::ifstream file("/proc/meminfo");
  std::string line;
  bool told = false;
  while (std::getline(file, line)) told = told || line.starts_with("SecPageTables:");
  const auto bytes = sec_page_tables_bytes();
  EXPECT_EQ(bytes.has_value(), told);
  if (!bytes) return;
  EXPECT_EQ(*bytes % 1024, 0u);
  EXPECT_LT(*bytes, static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE));
}

constexpr const char* kMeminfo =
    "MemTotal:        8000000 kB\n"
    "MemAvailable:     123456 kB\n"
    "PageTables:            0 kB\n"
    "SecPageTables:      2048 kB\n"
    "HugePages_Total:       3\n"
    "Broken:            x kB\n"
    "TooLarge: 99999999999999999999 kB\n"
    "Overflows: 18446744073709551615 kB\n"
    "Empty:\n"
    "Last:                 16 kB";

TEST(MemoryTest, MeminfoIsInBytes) {
  EXPECT_EQ(meminfo_bytes(kMeminfo, "MemAvailable"), 123456u * 1024);
  EXPECT_EQ(meminfo_bytes(kMeminfo, "SecPageTables"), 2048u * 1024);
  EXPECT_EQ(meminfo_bytes(kMeminfo, "PageTables"), 0u);
  EXPECT_EQ(meminfo_bytes(kMeminfo, "Last"), 16u * 1024) << "no newline at the end";
}

TEST(MemoryTest, MeminfoWithoutTheLineOrWithoutASizeIsNoNumber) {
  for (const char* key : {"Absent", "Mem", "HugePages_Total", "Broken", "TooLarge", "Overflows", "Empty", ""}) {
    EXPECT_EQ(meminfo_bytes(kMeminfo, key), std::nullopt) << key;
  }
  EXPECT_EQ(meminfo_bytes("", "MemTotal"), std::nullopt);
}

TEST(MemoryTest, AvailableMemoryIsBetweenNothingAndAll) {
  const auto all =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  EXPECT_GT(available_memory_bytes(), std::uint64_t{1} << 20);
  EXPECT_LE(available_memory_bytes(), all);
}

}  // namespace
}  // namespace shadowwalk
