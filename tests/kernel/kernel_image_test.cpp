#include "harness/kernel/kernel_image.hpp"

#include <gmock/gmock.h>

#include <string>

#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"

namespace shadowwalk::kernel {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// As much of a bzImage as says which one it is.
std::string bz_image(const std::string& release) {
  std::string bytes(0x400, '\0');
  bytes.replace(0x202, 4, "HdrS");
  bytes[0x20e] = 0x20;  // 0x200 + 0x20
  const std::string text = release + " (someone@somewhere) #1 SMP";
  bytes.replace(0x220, text.size(), text);
  return bytes;
}

class KernelImages : public testing::Test {
 protected:
  void add(const std::filesystem::path& name, const std::string& content) {
    std::filesystem::create_directories((scratch_.path() / name).parent_path());
    os::write_file(scratch_.path() / name, content);
  }
  const std::filesystem::path& root() const { return scratch_.path(); }
  auto refused(const char* why) { return ThrowsMessage<InputError>(HasSubstr(why)); }

 private:
  const ScratchDirectory scratch_;
};

TEST_F(KernelImages, IsFoundInADirectory) {
  add("boot/vmlinuz-6.1.0-1", bz_image("6.1.0-1"));
  const KernelImage image = find_kernel_image(root());
  EXPECT_EQ(image.release, "6.1.0-1");
  EXPECT_EQ(image.vmlinuz, root() / "boot/vmlinuz-6.1.0-1");
  EXPECT_EQ(image.tree, root());
}

TEST_F(KernelImages, IsFoundInABuildDirectory) {
  add("arch/x86/boot/bzImage", bz_image("6.12.0-rc1+"));
  EXPECT_EQ(find_kernel_image(root()).release, "6.12.0-rc1+");
}

TEST_F(KernelImages, OthersAreRefusedInOneLine) {
  EXPECT_THAT([&] { find_kernel_image(root()); }, refused("no vmlinuz"));
  EXPECT_THAT([&] { find_kernel_image(root() / "nowhere"); }, refused("there is no such file or directory"));
  add("vmlinuz", "no image");
  EXPECT_THAT([&] { find_kernel_image(root()); }, refused("is no bzImage"));
  add("vmlinuz", bz_image(""));
  EXPECT_THAT([&] { find_kernel_image(root()); }, refused("is no bzImage"));
  add("vmlinuz-2", bz_image("2"));
  EXPECT_THAT([&] { find_kernel_image(root()); }, refused("several images"));
  add("file.txt", "x");
  EXPECT_THAT([&] { find_kernel_image(root() / "file.txt"); }, refused("neither a directory nor a .deb"));
  add("wrong.deb", "no package");
  EXPECT_THAT([&] { find_kernel_image(root() / "wrong.deb"); }, refused("cannot be unpacked"));
}

}  // namespace
}  // namespace shadowwalk::kernel
