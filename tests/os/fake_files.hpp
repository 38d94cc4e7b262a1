#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "harness/os/host_files.hpp"

namespace shadowwalk::os::test {

/// The files of a host that is made up, in a folder of their own. Paths are those on the host: "/proc/meminfo".
class FakeFiles {
 public:
  FakeFiles() {
    std::string pattern = (std::filesystem::temp_directory_path() / "shadowwalk-host-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    root_ = pattern;
  }
  FakeFiles(const FakeFiles&) = delete;
  FakeFiles& operator=(const FakeFiles&) = delete;
  ~FakeFiles() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  void write(std::string_view path, std::string_view content) {
    const std::filesystem::path file = on_host(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content;
  }
  void make_folder(std::string_view path) { std::filesystem::create_directories(on_host(path)); }
  void remove(std::string_view path) { std::filesystem::remove_all(on_host(path)); }
  std::filesystem::path on_host(std::string_view path) const {
    return root_ / std::filesystem::path(path).relative_path();
  }

  HostFiles files() const { return HostFiles(root_); }

 private:
  std::filesystem::path root_;
};

}  // namespace shadowwalk::os::test
