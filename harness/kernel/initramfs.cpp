#include "harness/kernel/initramfs.hpp"

#include "harness/kernel/cpio_archive.hpp"
#include "harness/kernel/shared_libraries.hpp"
#include "harness/os/files.hpp"

namespace shadowwalk::kernel {
namespace {

void add_program(CpioArchive& archive, const std::filesystem::path& file, const std::string& name) {
  archive.add_file(name, os::read_file(file));
  for (const std::filesystem::path& library : shared_libraries(file)) {
    archive.add_file(library.string(), os::read_file(library));
  }
}

}  // namespace

std::string make_initramfs(const InitramfsContent& content) {
  CpioArchive archive;
  // The kernel opens it as stdin, stdout and stderr of its first process.
  constexpr unsigned kConsoleMajor = 5, kConsoleMinor = 1;
  archive.add_device("/dev/console", kConsoleMajor, kConsoleMinor);
  for (const char* directory : {"/proc", "/sys", "/tmp", "/run"}) archive.add_directory(directory);
  add_program(archive, content.command, in_vm::kCommand);
  for (const auto& [file, name] : content.programs) add_program(archive, file, name);
  if (!content.module.empty()) archive.add_file(in_vm::kModule, os::read_file(content.module));
  return archive.finish();
}

}  // namespace shadowwalk::kernel
