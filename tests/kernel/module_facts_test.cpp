#include "harness/kernel/module_facts.hpp"

#include <gmock/gmock.h>

#include <string>

#include "harness/kernel/scratch_directory.hpp"
#include "harness/os/files.hpp"

namespace shadowwalk::kernel {
namespace {

using namespace std::string_literals;

TEST(ModuleFacts, ReadsWholeKeysOnly) {
  const std::string module = "x\0srcversion=1\0version=0.1.0\0vermagic=6.1.0-1-amd64 SMP preempt\0"s;
  EXPECT_EQ(modinfo(module, "version"), "0.1.0");
  EXPECT_EQ(modinfo(module, "author"), "");
  const ScratchDirectory scratch;
  os::write_file(scratch.path() / "m.ko", module);
  EXPECT_EQ(release_of_module(scratch.path() / "m.ko"), "6.1.0-1-amd64");
  EXPECT_EQ(release_of_module(scratch.path() / "none.ko"), "another");
}

}  // namespace
}  // namespace shadowwalk::kernel
