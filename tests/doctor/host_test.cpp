#include "harness/doctor/host.hpp"

#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::doctor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

}  // namespace

}  // namespace shadowwalk::doctor
