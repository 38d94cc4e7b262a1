#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/machine/error.hpp"
#include "harness/run/matrix.hpp"

namespace shadowwalk::run {

/// An empty directory that goes away with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "shadowwalk-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
    path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream stream{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, std::istreambuf_iterator<char>{}};
}

/// Names of everything in a directory, sorted by the caller if it matters.
inline std::vector<std::string> names_in(const std::filesystem::path& path) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{path}) names.push_back(entry.path().filename());
  return names;
}

/// what() of the InputError that `action` throws, or a text that no test expects.
inline std::string complaint(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "(no complaint)";
}

/// The variants that fake_cell knows.
inline KnownNames fake_names() {
  return {.variants = {"good", "large", "crash", "hang", "fail", "fail-silently", "refuse", "garbage", "empty",
                       "error-but-0", "no-result", "flood"},
          .workloads = {"mmio-poll"}};
}

/// The names that the product has, for tests of the matrices that it ships.
inline KnownNames product_names() {
  return {
      // clang-format off
      .variants = {"rcu-counter", "irq-ipi", "irq-ipi-2012", "mode-membarrier", "rcu", "rcu-batch",
                   "rcu-expedited", "srcu", "gus", "qsbr", "ebr", "ebr-amortized", "debra", "hazard",
                   "hazard-asym", "hazard-pop", "hazard-eras", "ibr", "hyaline", "refcount", "optimistic",
                   "nbr", "mutex", "rwlock", "spinlock", "leak", "unsafe", "irq-ipi-nofence",
                   "irq-ipi-early-return", "ebr-nofence", "hazard-novalidate", "floor", "host-kvm"},
      // clang-format on
      .workloads = {"mmio-poll", "demand-fault", "memslot-flip", "dirty-log", "dirty-log-converging", "pagetable-churn",
                    "quota", "shrinker", "balloon", "stalled-walker", "oversubscribed", "idle-vcpus", "boot", "mix"}};
}

}  // namespace shadowwalk::run
