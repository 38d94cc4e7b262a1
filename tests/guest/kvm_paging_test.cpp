#include "harness/guest/kvm_paging.hpp"

#include <gtest/gtest.h>

#include "tests/os/fake_files.hpp"

namespace shadowwalk {
namespace {

using Kind = KvmPaging::Kind;

TEST(KvmPagingTest, IsNamedByModuleAndParameters) {
  os::test::FakeFiles files;
  EXPECT_EQ(kvm_paging(files.files()).kind, Kind::unknown);
  files.write("/sys/module/kvm/parameters/tdp_mmu", "N\n");
  files.write("/sys/module/kvm_amd/parameters/npt", "1\n");
  EXPECT_EQ(kvm_paging(files.files()).name, "NPT");
  files.write("/sys/module/kvm/parameters/tdp_mmu", "Y\n");
  EXPECT_EQ(kvm_paging(files.files()).name, "NPT, TDP MMU");
  EXPECT_EQ(kvm_paging(files.files()).kind, Kind::hardware);
  files.write("/sys/module/kvm_amd/parameters/npt", "0\n");
  EXPECT_EQ(kvm_paging(files.files()).name, "shadow paging (NPT is off)");
  EXPECT_EQ(kvm_paging(files.files()).kind, Kind::shadow);
}

TEST(KvmPagingTest, AModuleWithoutItsParameterIsUnknown) {
  os::test::FakeFiles files;
  files.make_folder("/sys/module/kvm_intel");
  EXPECT_EQ(kvm_paging(files.files()).kind, Kind::unknown);
  EXPECT_EQ(kvm_paging(files.files()).name, "");
  EXPECT_EQ(kvm_paging(files.files()).module, "kvm_intel");
}

TEST(KvmPagingTest, PvmHasShadowPagesOnly) {
  os::test::FakeFiles files;
  files.make_folder("/sys/module/kvm_pvm");
  EXPECT_EQ(kvm_paging(files.files()).name, "shadow paging (PVM)");
  EXPECT_EQ(kvm_paging(files.files()).kind, Kind::shadow);
}

}  // namespace
}  // namespace shadowwalk
