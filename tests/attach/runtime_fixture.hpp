#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "harness/machine/error.hpp"

namespace shadowwalk::live {

/// A runtime directory of the test's own.
class RuntimeFixture : public testing::Test {
 protected:
  RuntimeFixture() {
    std::string name = (std::filesystem::temp_directory_path() / "shadowwalk-live-XXXXXX").string();
    parent_ = mkdtemp(name.data());
    directory_ = parent_ / "shadowwalk";
    if (const char* before = getenv("XDG_RUNTIME_DIR")) before_ = before;
    setenv("XDG_RUNTIME_DIR", parent_.c_str(), 1);
  }
  ~RuntimeFixture() override {
    std::filesystem::permissions(parent_, std::filesystem::perms::owner_all);
    std::filesystem::remove_all(parent_);
    before_.empty() ? unsetenv("XDG_RUNTIME_DIR") : setenv("XDG_RUNTIME_DIR", before_.c_str(), 1);
  }

  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(directory_)) names.insert(file.path().filename());
    return names;
  }
  void put(const std::string& name, const std::string& content) const {
    std::filesystem::create_directory(directory_);
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all);
    std::ofstream(directory_ / name) << content;
  }
  std::string content(const std::string& name) const {
    std::ifstream file(directory_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// What the InputError of `action` says; empty if there was none.
  template <class Action>
  static std::string complaint(Action action) {
    try {
      action();
    } catch (const InputError& error) {
      return error.what();
    }
    return {};
  }

  std::filesystem::path parent_;
  std::filesystem::path directory_;

 private:
  std::string before_;
};

}  // namespace shadowwalk::live
