#include "harness/guest/guest.hpp"
#include "tests/guest/guest_fixture.hpp"

namespace shadowwalk {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(KvmAvailable, SaysWhatIsMissingAndWhatToDo) {
  EXPECT_THAT(kvm_unavailable_reason("/nonexistent/kvm"),
              AllOf(HasSubstr("/nonexistent/kvm: No such file"), HasSubstr("load kvm_intel or kvm_amd")));
  EXPECT_THAT(kvm_unavailable_reason("/dev/null"),
              AllOf(HasSubstr("KVM_GET_API_VERSION: Inappropriate ioctl"), HasSubstr("is it KVM's device?")));
}

TEST(KvmAvailable, AReasonIsWhatMakeGuestRefusesWith) {
  const std::string reason = kvm_unavailable_reason();
  if (reason.empty()) {
    EXPECT_NE(make_guest(test::config_of(GuestKind::kvm, test::mmio_poll(), 1)), nullptr);
  } else {
    EXPECT_THROW(make_guest(test::config_of(GuestKind::kvm, test::mmio_poll(), 1)), InputError);
  }
}

}  // namespace
}  // namespace shadowwalk
