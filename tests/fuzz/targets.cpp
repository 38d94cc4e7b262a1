#include "tests/fuzz/targets.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

// One program for all targets: most of its size, and of the time to link it, they share. It is called by the name of
// the target, TARGET_fuzz.

namespace {

using namespace shadowwalk::fuzz;

struct Row {
  std::string_view name;
  void (*read)(std::string_view bytes);
};
constexpr Row kTargets[] = {{"live_entry", live_entry},       {"run_json", run_json},
                            {"schedule", schedule},           {"toml_matrix", toml_matrix},
                            {"toml_topology", toml_topology}, {"toml_workload", toml_workload},
                            {"trace_import", trace_import},   {"trace_reader", trace_reader}};
const Row* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(const int*, char*** argv) {
  const std::string program = std::filesystem::path((*argv)[0]).filename().string();
  for (const Row& target : kTargets) {
    if (program == std::string(target.name) + "_fuzz") chosen = &target;
  }
  if (chosen != nullptr) return 0;
  std::fprintf(stderr, "%s: call the program by the name of a target, such as toml_matrix_fuzz\n", program.c_str());
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->read({reinterpret_cast<const char*>(data), size});
  return 0;
}
