// kernel_device_check [--seed=N] [--requests=N] [--kills=N] [--window=MS] [--gtest_...]: checks the device of the
// module that is loaded in the kernel that runs here, as root. On a machine of your own: one that may crash.
#include <charconv>
#include <cstdio>
#include <string_view>

#include "tests/kernel/device/support.hpp"

namespace {

/// The number in `--NAME=NUMBER`; false: it is another word, or no number.
bool take(std::string_view word, std::string_view name, std::uint64_t& number) {
  if (!word.starts_with(name)) return false;
  word.remove_prefix(name.size());
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc() && end == word.data() + word.size();
}

/// Says on the kernel's console where the checks are, in case it is the last thing that it says.
class Progress : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo& test) override {
    if (std::FILE* const log = std::fopen("/dev/kmsg", "w"); log != nullptr) {
      std::fprintf(log, "<4>shadowwalk: check %s.%s\n", test.test_suite_name(), test.name());
      std::fclose(log);
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  shadowwalk::kernel::CheckOptions& options = shadowwalk::kernel::check_options;
  for (int i = 1; i < argc; ++i) {
    std::uint64_t number = 0;
    if (take(argv[i], "--seed=", number)) {
      options.seed = number;
    } else if (take(argv[i], "--requests=", number)) {
      options.requests = number;
    } else if (take(argv[i], "--kills=", number)) {
      options.kills = static_cast<unsigned>(number);
    } else if (take(argv[i], "--window=", number) && number != 0) {
      options.window = std::chrono::milliseconds(number);
    } else {
      std::fprintf(stderr, "kernel_device_check: '%s'? --seed=N --requests=N --kills=N --window=MS\n", argv[i]);
      return 2;
    }
  }
  testing::UnitTest::GetInstance()->listeners().Append(new Progress);
  return RUN_ALL_TESTS();
}
