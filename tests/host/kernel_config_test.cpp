#include "harness/host/kernel_config.hpp"

#include <gtest/gtest.h>

#include "tests/host/gzip.hpp"
#include "tests/os/fake_files.hpp"

namespace shadowwalk::host {
namespace {

TEST(Gunzip, GivesBackWhatWasCompressed) {
  for (const std::string& text : {std::string(), std::string("CONFIG_HZ=250\n"), std::string(200'000, 'x')}) {
    EXPECT_EQ(gunzip(test::gzip(text), 1 << 20), text);
  }
}

TEST(Gunzip, RefusesWhatIsNoWholeGzipFile) {
  const std::string whole = test::gzip("CONFIG_HZ=250\n");
  for (const std::string& odd : {std::string(), std::string("CONFIG_HZ=250\n"), whole.substr(0, whole.size() - 1),
                                 whole.substr(1), "x" + whole}) {
    EXPECT_EQ(gunzip(odd, 1 << 20), std::nullopt);
  }
  std::string damaged = whole;
  damaged[damaged.size() / 2] ^= 0x55;
  EXPECT_EQ(gunzip(damaged, 1 << 20), std::nullopt);
}

TEST(Gunzip, IsBounded) {
  EXPECT_EQ(gunzip(test::gzip(std::string(1000, 'x')), 999), std::nullopt);
  EXPECT_EQ(gunzip(test::gzip(std::string(1000, 'x')), 1000)->size(), 1000u);
}

TEST(KernelConfigTest, ValuesOfWholeNames) {
  const KernelConfig config(
      "CONFIG_HZ_250=y\n# CONFIG_PREEMPT is not set\nCONFIG_HZ=250\nCONFIG_X=\"a=b\"\nCONFIG_LAST=m", "file");
  EXPECT_EQ(config.value("CONFIG_HZ"), "250");
  EXPECT_TRUE(config.is_set("CONFIG_HZ_250"));
  EXPECT_EQ(config.value("CONFIG_PREEMPT"), std::nullopt);
  EXPECT_EQ(config.value("HZ"), std::nullopt);
  EXPECT_EQ(config.value("CONFIG_X"), "\"a=b\"");
  EXPECT_EQ(config.value("CONFIG_LAST"), "m");
  EXPECT_FALSE(config.is_set("CONFIG_LAST"));
  EXPECT_EQ(KernelConfig().value("CONFIG_HZ"), std::nullopt);
}

TEST(KernelConfigTest, TheRunningKernelsOwnComesFirst) {
  os::test::FakeFiles fake;
  const auto read = [&] { return KernelConfig::read(fake.files(), "6.1.0-x"); };
  EXPECT_EQ(read().source(), "");
  fake.write("/boot/config-6.1.0-y", "CONFIG_HZ=100\n");
  EXPECT_EQ(read().source(), "") << "of another kernel";
  fake.write("/lib/modules/6.1.0-x/build/.config", "CONFIG_HZ=200\n");
  EXPECT_EQ(read().value("CONFIG_HZ"), "200");
  fake.write("/lib/modules/6.1.0-x/config", "CONFIG_HZ=250\n");
  EXPECT_EQ(read().value("CONFIG_HZ"), "250");
  fake.write("/boot/config-6.1.0-x", "CONFIG_HZ=300\n");
  EXPECT_EQ(read().value("CONFIG_HZ"), "300");
  fake.write("/proc/config.gz", "no gzip");
  EXPECT_EQ(read().value("CONFIG_HZ"), "300") << "a damaged one is none";
  fake.write("/proc/config.gz", test::gzip("CONFIG_HZ=1000\n"));
  EXPECT_EQ(read().value("CONFIG_HZ"), "1000");
  EXPECT_EQ(read().source(), "/proc/config.gz");
}

}  // namespace
}  // namespace shadowwalk::host
