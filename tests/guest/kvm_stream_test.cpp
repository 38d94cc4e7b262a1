// One source, compiled twice: the stream of a KVM guest is that of a thread guest, byte for byte.
#include "tests/guest/named_guests.hpp"

namespace shadowwalk {
namespace {

using test::config_of;
using test::next_accesses;

class KvmStream : public testing::TestWithParam<test::NamedGuest> {
 protected:
  void SetUp() override { SHADOWWALK_NEED_KVM(); }

  static void expect_same_stream(unsigned burst, std::size_t accesses) {
    const auto kvm = make_guest(config_of(GuestKind::kvm, GetParam().params, burst, 2));
    const auto thread = make_guest(config_of(GuestKind::thread, GetParam().params, burst, 2));
    EXPECT_EQ(next_accesses(kvm->vcpu(1), accesses), next_accesses(thread->vcpu(1), accesses)) << "burst " << burst;
  }
};

TEST_P(KvmStream, DoorbellBurstsAreThoseOfAThreadGuest) {
  expect_same_stream(1000, 200'000);
  expect_same_stream(65536, 200'000);
  expect_same_stream(2, 1'000);
}

TEST_P(KvmStream, MmioExitsAreThoseOfAThreadGuest) { expect_same_stream(1, 10'000); }

INSTANTIATE_TEST_SUITE_P(All, KvmStream, testing::ValuesIn(test::every_guest()), test::name_of_guest());

}  // namespace
}  // namespace shadowwalk
