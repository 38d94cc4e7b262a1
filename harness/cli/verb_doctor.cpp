#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "harness/cli/verbs.hpp"
#include "harness/doctor/host.hpp"
#include "harness/doctor/report.hpp"
#include "harness/doctor/topology.hpp"
#include "harness/machine/placement.hpp"
#include "harness/os/notice.hpp"

namespace shadowwalk::cli {
namespace {

struct DoctorArguments {
  bool json = false;
  bool topology = false;
  std::string cpus;
};

/// The CPUs of --cpus, each once; all CPUs without it.
std::vector<HardwareThread> chosen_cpus(const std::string& list) {
  std::vector<HardwareThread> threads = allowed_hardware_threads();
  if (!list.empty()) {
    const std::vector<unsigned> cpus = parse_cpu_list(list, threads, "doctor: --cpus", "a list such as 0,2-5");
    const std::set<unsigned> chosen(cpus.begin(), cpus.end());
    std::erase_if(threads, [&](const HardwareThread& thread) { return !chosen.contains(thread.cpu); });
  }
  std::sort(threads.begin(), threads.end(), [](const auto& a, const auto& b) { return a.cpu < b.cpu; });
  return threads;
}

doctor::Topology measure(const std::string& list) {
  const std::vector<HardwareThread> cpus = chosen_cpus(list);
  const std::chrono::duration<double> expected = doctor::expected_time(cpus.size());
  if (expected.count() >= 1) {
    os::notice(fmt::format("{} CPUs are {} pairs: about {:.0f} s; --cpus LIST chooses fewer", cpus.size(),
                           cpus.size() * (cpus.size() - 1) / 2, expected.count()));
  }
  return doctor::measure_topology(cpus);
}

void examine(const DoctorArguments& arguments) {
  std::optional<doctor::Topology> topology;
  if (arguments.topology) topology = measure(arguments.cpus);  // first: a wrong list ends before anything is printed
  doctor::LiveFacts live = doctor::observe_live_facts();
  std::string killed;  // what a filter of system calls does to who asks a kernel's module
  if (!live.denied_calls.empty()) killed = doctor::why_not_survived([] { observe_kernel_cells(); });
  if (killed.empty()) {
    live.kernel_cells = observe_kernel_cells();
  } else {
    live.kernel_cells.device_unavailable = live.kernel_cells.build_unavailable = live.kernel_cells.image_unavailable =
        killed;
  }
  doctor::Report report = doctor::examine(
      {.files = doctor::HostFiles(), .live = live, .facts = doctor::observe_host_facts(live.denied_calls)});
  report.topology = std::move(topology);
  if (arguments.json) {
    fmt::print(
        "{}\n",
        doctor::to_json(report, SHADOWWALK_VERSION).dump(1, ' ', true, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("{}", doctor::to_text(report));
  }
}

}  // namespace

void add_doctor(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("doctor", "Show what this host can measure, and how to fix what it cannot");
  auto arguments = std::make_shared<DoctorArguments>();
  verb->add_flag("--json", arguments->json, "Print JSON (docs/doctor.schema.json)");
  CLI::Option* topology = verb->add_flag("--topology", arguments->topology,
                                         "Also measure what moving a cache line costs between each pair of CPUs");
  verb->add_option("--cpus", arguments->cpus, "With --topology: only these CPUs, such as 0,2-5")
      ->type_name("LIST")
      ->needs(topology);
  verb->footer("It changes nothing. The exit code is 0 whatever it finds.");
  verb->callback([arguments] { examine(*arguments); });
}

}  // namespace shadowwalk::cli
