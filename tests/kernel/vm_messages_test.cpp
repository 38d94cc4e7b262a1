#include "harness/kernel/vm_messages.hpp"

#include <gmock/gmock.h>

#include "harness/machine/error.hpp"

namespace shadowwalk::kernel {
namespace {

std::string without_end(std::string line) {
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "a message is one line";
  line.pop_back();
  return line;
}

TEST(VmMessages, AJobComesBackAsItWas) {
  const VmJob job{.words = {"/bin/x", "a \"b\"\n", "\xc3\xa4"},
                  .files = {{"/tmp/a", "1\n2\n"}},
                  .result_file = "/tmp/r",
                  .limit = std::chrono::milliseconds(1234)};
  const VmJob read = job_from(without_end(to_line(job)));
  EXPECT_EQ(read.words, job.words);
  EXPECT_EQ(read.files, job.files);
  EXPECT_EQ(read.result_file, job.result_file);
  EXPECT_EQ(read.limit, job.limit);
}

TEST(VmMessages, AnEndComesBackAsItWas) {
  const VmJobEnd end{.timed_out = true, .exit_code = 3, .signal = 9, .output = "x\ny\n", .result = "{\n}\n"};
  const VmJobEnd read = job_end_from(without_end(to_line(end)));
  EXPECT_TRUE(read.timed_out);
  EXPECT_EQ(read.exit_code, 3);
  EXPECT_EQ(read.signal, 9);
  EXPECT_EQ(read.output, end.output);
  EXPECT_EQ(read.result, end.result);
  EXPECT_FALSE(job_end_from(without_end(to_line(VmJobEnd{}))).result);
}

TEST(VmMessages, OthersAreRefused) {
  for (const char* line : {"", "{", "[]", "{}", R"({"words":[]})", R"({"words":["x"],"files":{},"result_file":1})",
                           R"({"words":["x"],"files":{},"result_file":"","limit_ms":0})"}) {
    EXPECT_THROW(job_from(line), InputError) << line;
    EXPECT_THROW(job_end_from(line), InputError) << line;
    EXPECT_THROW(ready_from(line), InputError) << line;
  }
}

TEST(LineReader, CutsLinesWhereverTheyArrive) {
  LineReader reader;
  reader.add("on");
  EXPECT_FALSE(reader.next());
  reader.add("e\ntwo\nthr");
  EXPECT_EQ(reader.next(), "one");
  EXPECT_EQ(reader.next(), "two");
  EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace shadowwalk::kernel
