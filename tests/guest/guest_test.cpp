#include "harness/guest/guest.hpp"

#include "tests/guest/guest_fixture.hpp"

namespace shadowwalk {
namespace {

using test::config_of;
using testing::HasSubstr;

std::string refusal(const GuestConfig& config) {
  try {
    make_guest(config);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(MakeGuest, RefusesWhatIsOutOfRange) {
  const GuestConfig good = config_of(GuestKind::thread, "mmio-poll", 1);
  EXPECT_EQ(refusal(good), "accepted");
  GuestConfig config = good;
  config.vcpus = 0;
  EXPECT_THAT(refusal(config), HasSubstr("0 vCPUs: choose 1..1024"));
  config.vcpus = 1025;
  EXPECT_THAT(refusal(config), HasSubstr("1025 vCPUs"));
  config = good;
  config.burst = 0;
  EXPECT_THAT(refusal(config), HasSubstr("0 accesses an exit: choose 1..65536"));
  config.burst = 65537;
  EXPECT_THAT(refusal(config), HasSubstr("65537 accesses"));
  config = good;
  config.params.write_percent = 101;
  EXPECT_THAT(refusal(config), HasSubstr("101 % writes"));
}

TEST(MakeGuest, RefusesAWorkingSetOutsideTheWindow) {
  constexpr std::uint64_t kWindow = std::uint64_t{1} << 36;
  GuestConfig config = config_of(GuestKind::thread, "mmio-poll", 1);
  config.params.pages = 0;
  EXPECT_THAT(refusal(config), HasSubstr("working set of 0 pages"));
  config.params.pages = kWindow;
  config.params.base_gfn = 0;
  EXPECT_EQ(refusal(config), "accepted");
  config.params.base_gfn = 1;
  EXPECT_THAT(refusal(config), HasSubstr("all below gfn 0x1000000000"));
  config.params.base_gfn = ~std::uint64_t{0};  // must not pass by wrapping around
  config.params.pages = 2;
  EXPECT_THAT(refusal(config), HasSubstr("working set"));
  config.params.pages = ~std::uint64_t{0};
  config.params.base_gfn = 1;
  EXPECT_THAT(refusal(config), HasSubstr("working set"));
}

TEST(MakeGuest, RefusesAProgramThatIsNotInTheAskedForm) {
  GuestConfig config = config_of(GuestKind::thread, "mmio-poll", 1);
  config.program.produce = nullptr;
  EXPECT_THAT(refusal(config), HasSubstr("choose guest kvm"));
  SHADOWWALK_NEED_KVM();
  config = config_of(GuestKind::kvm, "mmio-poll", 1);
  config.program.image = {};
  EXPECT_THAT(refusal(config), HasSubstr("choose guest thread"));
}

}  // namespace
}  // namespace shadowwalk
