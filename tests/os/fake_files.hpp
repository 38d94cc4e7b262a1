#pragma once

#include <filesystem>
#include <fstream>
#include <string_view>

#include "harness/os/host_files.hpp"
#include "tests/files.hpp"

namespace shadowwalk::os::test {

/// The files of a host that is made up, in a folder of their own. Paths are those on the host: "/proc/meminfo".
class FakeFiles {
 public:
  void write(std::string_view path, std::string_view content) {
    const std::filesystem::path file = on_host(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content;
  }
  void make_folder(std::string_view path) { std::filesystem::create_directories(on_host(path)); }
  void remove(std::string_view path) { std::filesystem::remove_all(on_host(path)); }
  std::filesystem::path on_host(std::string_view path) const {
    return root_.path() / std::filesystem::path(path).relative_path();
  }

  HostFiles files() const { return HostFiles(root_.path()); }

 private:
  TemporaryDirectory root_;
};

}  // namespace shadowwalk::os::test
