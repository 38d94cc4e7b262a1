#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "harness/measure/pmu/event_list.hpp"

namespace shadowwalk::pmu {

/// A directory of its own, with what /sys and tracefs would show on another machine.
class FakeTree {
 public:
  FakeTree() {
    std::string name = (std::filesystem::temp_directory_path() / "shadowwalk-pmu-XXXXXX").string();
    root_ = mkdtemp(name.data());
    paths.event_source = root_ / "devices";
    paths.tracefs = {root_ / "tracing"};
    paths.paranoid = root_ / "paranoid";
    std::filesystem::create_directories(paths.event_source);
  }
  ~FakeTree() { std::filesystem::remove_all(root_); }
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;

  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  /// A core PMU as an x86 kernel shows it.
  void add_core_pmu(const std::string& name = "cpu") {
    const std::string folder = "devices/" + name;
    write(folder + "/type", "4");
    if (name != "cpu") write(folder + "/cpus", "0-7");
    write(folder + "/format/event", "config:0-7,32-35");
    write(folder + "/format/umask", "config:8-15");
    write(folder + "/format/inv", "config:23");
    write(folder + "/format/offcore_rsp", "config1:0-63");
    write(folder + "/events/cpu-cycles", "event=0x76");
    write(folder + "/events/mem-loads", "event=0xcd,umask=0x1,ldlat=?");
  }
  const std::filesystem::path& root() const { return root_; }

  SystemPaths paths;

 private:
  std::filesystem::path root_;
};

}  // namespace shadowwalk::pmu
