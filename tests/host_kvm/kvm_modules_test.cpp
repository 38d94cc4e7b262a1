#include "harness/host_kvm/kvm_modules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace shadowwalk::host_kvm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class KvmModules : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(root_); }
  void set(const std::string& module, const std::string& parameter, const std::string& value) {
    const std::filesystem::path folder = root_ / module / "parameters";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / parameter) << value << '\n';
  }
  std::string root() const { return root_.string(); }

 private:
  std::filesystem::path root_ = [] {
    std::string name = testing::TempDir() + "modules-XXXXXX";
    return std::filesystem::path(mkdtemp(name.data()));
  }();
};

TEST_F(KvmModules, ThoseThatAreThereAreTold) {
  EXPECT_THAT(kvm_modules(root()), IsEmpty());
  set("kvm", "mmio_caching", "N");
  set("kvm_amd", "npt", "1");
  set("kvm_amd", "avic", "Y");
  EXPECT_THAT(kvm_modules(root()), ElementsAre(Pair("kvm.mmio_caching", "N"), Pair("kvm_amd.npt", "1")));
}

TEST_F(KvmModules, AQuotaIsIgnoredByTheTdpMmuOnly) {
  EXPECT_THAT(quota_ignored_reason(root()), IsEmpty());
  set("kvm", "tdp_mmu", "Y");
  EXPECT_THAT(quota_ignored_reason(root()), IsEmpty()) << "without two-dimensional paging the shadow MMU maps guests";
  set("kvm_intel", "ept", "N");
  EXPECT_THAT(quota_ignored_reason(root()), IsEmpty());
  set("kvm_intel", "ept", "Y");
  EXPECT_THAT(quota_ignored_reason(root()), HasSubstr("TDP MMU"));
  set("kvm", "tdp_mmu", "N");
  EXPECT_THAT(quota_ignored_reason(root()), IsEmpty()) << "two-dimensional paging by the shadow MMU";
  set("kvm", "tdp_mmu", "1");
  set("kvm_intel", "ept", "0");
  set("kvm_amd", "npt", "1");
  EXPECT_THAT(quota_ignored_reason(root()), HasSubstr("KVM_SET_NR_MMU_PAGES"));
}

}  // namespace
}  // namespace shadowwalk::host_kvm
