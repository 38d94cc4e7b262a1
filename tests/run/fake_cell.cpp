// Stands in for `shadowwalk cell`: the variant says how it ends. Its first argument, the only one that is not an option
// of a cell, is a file to which it adds a line when it starts.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <thread>

namespace {

void write_text(const std::string& path, const std::string& text) { std::ofstream{path} << text; }

/// One line, with one write(): kills must not tear it.
void log_start(const std::string& log, const std::string& line) {
  const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (fd < 0 || write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
  close(fd);
}

/// Lines of the log that begin so.
int times_started(const std::string& log, const std::string& start) {
  std::ifstream file{log};
  int times = 0;
  for (std::string line; std::getline(file, line);) times += line.starts_with(start);
  return times;
}

[[noreturn]] void sleep_forever() {
  while (true) pause();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string log = argv[1];
  std::map<std::string, std::string> options;
  for (int i = 2; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  const std::string json = options["--json"];
  const std::string variant = options["--variant"];
  const std::string start = variant + " " + options["--vcpus"] + " ";
  log_start(log, start + std::to_string(getpid()) + "\n");

  const std::string good = R"({"context": {}, "benchmarks": [{"name": ")" + variant +
                           R"(", "run_type": "iteration", "vcpus": )" +
                           (options["--vcpus"].empty() ? "1" : options["--vcpus"]) + "}]}\n";
  if (variant == "good") {
    std::this_thread::sleep_for(std::chrono::milliseconds{3});
    // In two steps with a pause, as a slow disk would: a killed child leaves half a file.
    std::ofstream stream{json};
    stream << good.substr(0, good.size() / 2) << std::flush;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
    stream << good.substr(good.size() / 2);
    return 0;
  }
  if (variant.starts_with("steady") || variant == "spread") {
    const bool is_slow = variant == "spread" && times_started(log, start) % 2 == 0;
    write_text(json, std::string(R"({"benchmarks": [{"name": "x", "walks_per_second": )") + (is_slow ? "90" : "100") +
                         R"(, "walk_ns_mean": )" + (is_slow ? "11" : "10") + "}]}\n");
    return 0;
  }
  if (variant.starts_with("noisy")) {
    const bool is_first = times_started(log, start) == 1;
    if (variant == "noisy-then-crash" && !is_first) std::abort();
    const bool is_noisy = variant != "noisy-once" || is_first;
    const char* violations = variant == "noisy-violation" ? "1" : "0";
    write_text(json, std::string(R"({"benchmarks": [{"name": "x", "violations": )") + violations +
                         R"(, "shadowwalk": {"flags": [)" + (is_noisy ? R"("noisy")" : "") +
                         R"(], "noise": {"reasons": [)" + (is_noisy ? R"("other processes took 0.50 of 2 CPUs")" : "") +
                         "]}}}]}\n");
    return 0;
  }
  if (variant == "large") {
    write_text(json, good.substr(0, good.size() - 3) + std::string(400'000, ' ') + "]}\n");
    return 0;
  }
  if (variant == "crash") {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    std::fputs("about to crash\n", stderr);
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would exit instead
    std::raise(SIGSEGV);
  }
  if (variant == "hang" || variant == "hang-with-child") {
    std::signal(SIGTERM, SIG_IGN);
    if (variant == "hang-with-child" && fork() == 0) sleep_forever();
    std::fputs("still here\n", stderr);
    write_text(json, "{");
    sleep_forever();
  }
  if (variant == "fail") {
    write_text(json, R"({"benchmarks": [{"name": "x", "error_occurred": true, "error_message": "pool exhausted"}]})");
    std::fputs("shadowwalk: the words on stderr\n", stderr);
    return 1;
  }
  if (variant == "fail-silently") return 1;
  if (variant == "refuse") {
    std::fputs("some chatter\nshadowwalk: leak would need 12 GiB\n\n", stderr);
    return 2;
  }
  if (variant == "garbage") {
    write_text(json, "{\"benchmarks\": [");
    return 0;
  }
  if (variant == "empty") {
    write_text(json, R"({"benchmarks": []})");
    return 0;
  }
  if (variant == "error-but-0") {
    write_text(json, R"({"benchmarks": [{"error_occurred": true, "error_message": "guest lied"}]})");
    return 0;
  }
  if (variant == "no-result") return 0;
  if (variant == "flood") {
    for (int i = 0; i < 200'000; ++i) std::fputs("0123456789 \x1b[31m flood\n", stdout);
    std::fputs("last words of the flood\n", stdout);
    return 1;
  }
  return 99;
}
