#include "harness/guest/guest.hpp"

#include "tests/guest/guest_fixture.hpp"

namespace shadowwalk {
namespace {

using test::config_of;
using test::refusal;
using testing::HasSubstr;

TEST(MakeGuest, RefusesAProgramThatIsNotInTheAskedForm) {
  GuestConfig config = config_of(GuestKind::thread, test::mmio_poll(), 1);
  config.program.produce = nullptr;
  EXPECT_THAT(refusal(config), HasSubstr("choose guest kvm"));
  SHADOWWALK_NEED_KVM();
  config = config_of(GuestKind::kvm, test::mmio_poll(), 1);
  config.program.image = {};
  EXPECT_THAT(refusal(config), HasSubstr("choose guest thread"));
}

}  // namespace
}  // namespace shadowwalk
