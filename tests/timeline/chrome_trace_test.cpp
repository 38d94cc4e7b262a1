#include "harness/timeline/chrome_trace.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "harness/probes/probes.hpp"

namespace shadowwalk::timeline {
namespace {

using nlohmann::json;

TEST(ChromeTraceTest, ThreadsAreNamedAndInOrder) {
  Recorder recorder(16);
  recorder.join("reclaim-0");
  for (const char* name : {"zapper-0", "vcpu-10", "vcpu-9", "main"}) std::thread([&] { recorder.join(name); }).join();
  const json trace = json::parse(to_chrome_trace(recorder, "a \"cell\"", {{"cell", "x"}}));
  EXPECT_EQ(trace["otherData"]["cell"], "x");
  std::vector<std::string> names;
  for (const json& event : trace["traceEvents"]) {
    EXPECT_EQ(event["ph"], "M");
    if (event["name"] == "process_name") {
      EXPECT_EQ(event["args"]["name"], "a \"cell\"");
    }
    if (event["name"] == "thread_name") names.push_back(event["args"]["name"]);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"main", "vcpu-9", "vcpu-10", "zapper-0", "reclaim-0"}));
}

TEST(ChromeTraceTest, TellsWhatWasDropped) {
  Recorder recorder(16);
  recorder.join("main");
  for (std::uint64_t i = 0; i < 20; ++i) {
    SHADOWWALK_PROBE(commit__start, 1);
    SHADOWWALK_PROBE(commit__done, 1, 5);
  }
  const json trace = json::parse(to_chrome_trace(recorder, "cell", {}));
  EXPECT_EQ(trace["otherData"]["dropped"], (json{{"commit__start", 12}, {"commit__done", 12}}));
  EXPECT_EQ(trace["otherData"]["records_a_ring"], 16);
  EXPECT_EQ(trace["otherData"]["bytes_a_thread"], 2 * 16 * 32);
  std::size_t commits = 0;
  std::size_t told = 0;
  double last = -1;
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] == "M") continue;
    EXPECT_GE(event["ts"].get<double>(), last);
    last = event["ts"];
    commits += event["name"] == "commit";
    told += event["ph"] == "i";
  }
  EXPECT_EQ(commits, 8u);
  EXPECT_EQ(told, 1u);
}

}  // namespace
}  // namespace shadowwalk::timeline
