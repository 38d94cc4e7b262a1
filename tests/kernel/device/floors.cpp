// What the module times beside cells: primitives of the kernel's, and read-side sections.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "tests/kernel/device/support.hpp"

namespace shadowwalk::kernel {
namespace {

using FloorRows = OnDevice;

std::vector<shadowwalk_floor> rows_of(const RawDevice& device) {
  std::vector<shadowwalk_floor> rows;
  for (;;) {
    shadowwalk_floor row{};
    row.index = static_cast<std::uint32_t>(rows.size());
    const int error = device.call(SHADOWWALK_IOC_FLOOR, &row);
    if (error != 0) {
      EXPECT_EQ(error, ENOENT) << device.why();
      return rows;
    }
    rows.push_back(row);
  }
}

shadowwalk_floor asked_of(const shadowwalk_floor& row, std::uint32_t cpus, std::uint64_t iterations) {
  shadowwalk_floor asked{};
  asked.index = row.index;
  asked.iterations = iterations;
  asked.cpu_count = cpus;
  for (std::uint16_t i = 0; i < cpus; ++i) asked.cpus[i] = i;
  return asked;
}

TEST_F(FloorRows, EachDoesWhatItWasAskedToOnAllCpus) {
  const RawDevice device;
  std::set<std::string> names;
  for (const shadowwalk_floor& row : rows_of(device)) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    // An emulated IPI waits until its target's thread has a CPU.
    const std::uint64_t iterations = row.kind == SHADOWWALK_FLOOR_FIRST ? 5 : 3000;
    for (const std::uint32_t cpus : std::set{row.least_cpus, device.cpus()}) {
      SCOPED_TRACE(testing::Message() << row.name << " on " << cpus << " CPUs");
      shadowwalk_floor floor = asked_of(row, cpus, iterations);
      ASSERT_EQ(device.call(SHADOWWALK_IOC_FLOOR, &floor), 0) << device.why();
      EXPECT_EQ(floor.done, iterations * (row.kind == SHADOWWALK_FLOOR_EACH ? cpus : 1));
      EXPECT_GT(floor.ns, 0u);
      EXPECT_EQ(floor.bytes_leaked, 0u);
    }
  }
  for (const shadowwalk_variant& variant : device.variants()) {
    EXPECT_EQ(names.contains("section/" + std::string(variant.name)), (variant.flags & SHADOWWALK_VARIANT_RUNS) != 0)
        << variant.name;
  }
  for (const char* name : {"irqsave", "xchg", "mfence", "atomic_inc_shared", "rcu_read_lock", "srcu_read_lock",
                           "ipi_one", "ipi_many", "synchronize_rcu", "synchronize_rcu_expedited"}) {
    EXPECT_TRUE(names.contains(std::string("floor/") + name)) << name;
  }
}

TEST_F(FloorRows, RefuseWhatCannotBeTimed) {
  const RawDevice device;
  const auto expect = [&](int error, auto change) {
    shadowwalk_floor asked = asked_of({}, 1, 1);
    change(asked);
    EXPECT_EQ(device.call(SHADOWWALK_IOC_FLOOR, &asked), error) << device.why();
    EXPECT_NE(device.why(), "");
  };
  expect(EINVAL, [](auto& asked) { asked.cpu_count = 0; });
  expect(EINVAL, [](auto& asked) { asked.cpu_count = SHADOWWALK_MAX_VCPUS + 1; });
  expect(EINVAL, [](auto& asked) { asked.cpu_count = 2, asked.cpus[1] = asked.cpus[0]; });
  expect(EINVAL, [](auto& asked) { asked.iterations = SHADOWWALK_MAX_FLOOR_ITERATIONS + 1; });
  expect(EINVAL, [](auto& asked) { asked.reserved[0] = 1; });
  expect(ENODEV, [](auto& asked) { asked.cpus[0] = 4000; });
  expect(ENOENT, [](auto& asked) { asked.index = ~0u; });
}

TEST_F(FloorRows, ASignalEndsThem) {
  const RawDevice device;
  for (const shadowwalk_floor& row : rows_of(device)) {
    if (row.index % 4 != 0) continue;  // of each kind
    SCOPED_TRACE(row.name);
    const pid_t caller = fork();
    if (caller == 0) {
      const RawDevice own;
      shadowwalk_floor floor = asked_of(row, std::max(row.least_cpus, 2u), SHADOWWALK_MAX_FLOOR_ITERATIONS);
      _exit(own.call(SHADOWWALK_IOC_FLOOR, &floor));
    }
    usleep(20'000);
    kill(caller, SIGKILL);
    int status = 0;
    waitpid(caller, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
  }
}

}  // namespace
}  // namespace shadowwalk::kernel
