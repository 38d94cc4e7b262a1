#include "harness/host/host_facts.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace shadowwalk::host {
namespace {

using nlohmann::ordered_json;

TEST(HostFactsJson, HasTheNamesOfTheFormat) {
  HostFacts facts{.floors = {.xchg_ns = 5.5,
                             .mfence_ns = 23,
                             .line_transfer_ns = 50,
                             .signal_ipi_ns = 1900,
                             .membarrier_global_ns_p50 = 5e6,
                             .membarrier_global_ns_p99 = 9e6,
                             .unavailable = {}},
                  .kernel = {},
                  .cpu = "AMD EPYC",
                  .cpus = 2,
                  .is_virtual_machine = true};
  facts.kernel.release = "6.18.0";
  facts.kernel.hz = 250;
  facts.kernel.preemption = "none";
  facts.kernel.rcu_expedited = false;
  facts.kernel.rcu_normal = false;
  EXPECT_EQ(to_json(facts), ordered_json::parse(R"({
    "floors": {"xchg_ns": 5.5, "mfence_ns": 23.0, "line_transfer_ns": 50.0, "signal_ipi_ns": 1900.0,
               "membarrier_global_ns_p50": 5e6, "membarrier_global_ns_p99": 9e6},
    "kernel": {"release": "6.18.0", "hz": 250, "preemption": "none", "rcu_expedited": false, "rcu_normal": false},
    "cpu": "AMD EPYC", "cpus": 2, "virtual_machine": true})"));
}

TEST(HostFactsJson, WhatIsNotKnownIsAbsentWithItsReason) {
  HostFacts facts;
  facts.kernel.release = "4.4.0";
  facts.cpus = 1;
  facts.floors.unavailable = {{"line_transfer_ns", "only one CPU"}};
  facts.kernel.unavailable = {{"hz", "no tick"}};
  EXPECT_EQ(to_json(facts), ordered_json::parse(R"({
    "floors": {}, "kernel": {"release": "4.4.0"}, "cpus": 1, "virtual_machine": false,
    "unavailable": {"cpu": "/proc/cpuinfo names no model", "hz": "no tick", "line_transfer_ns": "only one CPU"}})"));
}

TEST(HostFactsJson, EachMemberOfThisHostIsThereOrHasAReason) {
  const ordered_json json = to_json(observe_host());
  const ordered_json unavailable = json.value("unavailable", ordered_json::object());
  for (const FloorName& floor : kFloorNames) {
    EXPECT_NE(json.at("floors").contains(floor.name), unavailable.contains(floor.name)) << floor.name;
  }
  for (const char* name : {"hz", "preemption", "rcu_expedited"}) {
    EXPECT_NE(json.at("kernel").contains(name), unavailable.contains(name)) << name;
  }
  EXPECT_NE(json.contains("cpu"), unavailable.contains("cpu"));
  EXPECT_GE(json.at("cpus"), 1);
}

}  // namespace
}  // namespace shadowwalk::host
