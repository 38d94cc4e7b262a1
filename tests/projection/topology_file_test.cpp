#include "harness/projection/topology_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/machine/error.hpp"

namespace shadowwalk::projection {
namespace {

using coherence::Topology;
using testing::HasSubstr;

std::string complaint(const std::string& text) {
  try {
    parse_topology(text, "mine.toml");
  } catch (const InputError& error) {
    return error.what();
  }
  return "nothing is wrong";
}

std::string good() { return shipped_topologies().front().text; }

std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(TopologyFile, ShippedOnesAreSound) {
  for (const ShippedTopology& shipped : shipped_topologies()) {
    const Topology topology = load_topology(shipped.name);
    EXPECT_EQ(topology.name, shipped.name);
    EXPECT_GE(topology.cpus(), 224u);
    EXPECT_THAT(topology.source, HasSubstr("not measured")) << "says what its figures stand on";
  }
}

TEST(TopologyFile, WhatIsWrittenReadsTheSame) {
  const std::string once = to_toml(load_topology("spr-2s"));
  EXPECT_EQ(to_toml(parse_topology(once, "once.toml")), once);
  EXPECT_THAT(once, HasSubstr("load = 0.6"));
}

TEST(TopologyFile, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(complaint(good()), "nothing is wrong");
  EXPECT_THAT(complaint(with(good(), "sockets = 2", "sockets = 0")), HasSubstr("mine.toml:6:"));
  EXPECT_THAT(complaint(with(good(), "memory = 110", "memory = -1")), HasSubstr("memory"));
  EXPECT_THAT(complaint(with(good(), "memory = 110\n", "")), HasSubstr("'memory' is missing"));
  EXPECT_THAT(complaint(with(good(), "memory = 110", "memroy = 110")), HasSubstr("did you mean 'memory'"));
  EXPECT_THAT(complaint(with(good(), "core = 6", "core = 60")), HasSubstr("a farther CPU has a shorter transfer"));
  EXPECT_THAT(complaint(with(good(), "sockets = 2", "sockets = 3")), HasSubstr("768 CPUs; at most 512"));
  EXPECT_THAT(complaint(with(good(), "= false", "= 0")), HasSubstr("true or false"));
  EXPECT_THAT(complaint("name = \"x\"\nsummary = \"y\"\nsource = \"z\"\n"), HasSubstr("is missing; give it"));
}

TEST(TopologyFile, CpusAreCountedWithoutWrappingAround) {
  std::string text = good();
  for (const char* key : {"sockets", "llcs_per_socket", "cores_per_llc", "threads_per_core"}) {
    const std::size_t at = text.find(std::string(key) + " = ");
    text.replace(at, text.find('\n', at) - at, std::string(key) + " = 512");
  }
  EXPECT_THAT(complaint(text), HasSubstr("68719476736 CPUs; at most 512"));
}

TEST(TopologyFile, ATimeIsAPicosecondAtLeast) {
  EXPECT_THAT(complaint(with(good(), "memory = 110", "memory = 0.0004")), HasSubstr("'memory' is below 0.001 ns"));
  EXPECT_EQ(complaint(with(good(), "memory = 110", "memory = 0.001")), "nothing is wrong");
}

TEST(TopologyFile, AnUnknownNameGetsASuggestion) {
  try {
    load_topology("epyc-9004");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'epyc-9005'?"));
  }
}

}  // namespace
}  // namespace shadowwalk::projection
