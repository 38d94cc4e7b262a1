#include "harness/run/run_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
#include "harness/os/printable.hpp"
#include "harness/os/program.hpp"
#include "harness/text/json_reader.hpp"
#include "harness/text/text_file.hpp"

namespace shadowwalk::run {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

/// Results with full histograms are a few hundred KiB.
constexpr std::size_t kRoomForAResult = std::size_t{4} << 20;
/// The child of a killed runner holds the lock until the kernel has killed it, too.
constexpr std::chrono::seconds kLockPatience{3};
constexpr const char* kScratch = ".scratch";
constexpr const char* kPlan = "run.json";

std::string dump(const ordered_json& document) {
  return document.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

/// Directories that this call created, removed again unless the creation is completed.
class CreatedDirectories {
 public:
  CreatedDirectories() = default;
  CreatedDirectories(const CreatedDirectories&) = delete;
  CreatedDirectories& operator=(const CreatedDirectories&) = delete;
  ~CreatedDirectories() {
    std::error_code ignored;
    if (!kept_) {
      for (auto path = made_.rbegin(); path != made_.rend(); ++path) fs::remove(*path, ignored);
    }
  }

  void make(const fs::path& path) {
    std::error_code error;
    if (fs::is_directory(path, error)) return;
    if (path.has_parent_path() && path.parent_path() != path) make(path.parent_path());
    if (fs::create_directory(path, error)) {
      made_.push_back(path);
    } else {
      std::error_code ignored;
      const std::string reason = fs::exists(path, ignored) ? "a file is in the way" : error.message();
      throw InputError{fmt::format("cannot make the directory {}: {}; choose another --out", path.string(), reason)};
    }
  }
  void keep() { kept_ = true; }

 private:
  std::vector<fs::path> made_;
  bool kept_ = false;
};

/// Children inherit the descriptor on purpose: as long as one of them lives, no other runner may start, since two
/// cells at a time would disturb each other.
os::FileDescriptor lock_directory(const fs::path& path) {
  os::FileDescriptor fd{open(path.c_str(), O_RDONLY | O_DIRECTORY)};
  if (!fd.is_open()) {
    throw InputError{fmt::format("cannot open {}: {}; choose another --out", path.string(), std::strerror(errno))};
  }
  const auto deadline = std::chrono::steady_clock::now() + kLockPatience;
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      throw InputError{fmt::format("cannot lock {}: {}; choose another --out", path.string(), std::strerror(errno))};
    }
    if (std::chrono::steady_clock::now() > deadline) {
      throw InputError{
          fmt::format("another `shadowwalk run` works in {}; wait for it or choose another --out", path.string())};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return fd;
}

/// Removes what killed processes left half-written.
void sweep(const fs::path& path) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator{path, error}) {
    if (os::is_temporary_name(entry.path().filename().string())) fs::remove(entry.path(), error);
  }
}

/// Whether there is anything that an interrupted creation cannot have left.
bool holds_foreign_files(const fs::path& path) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator{path, error}) {
    const fs::path name = entry.path().filename();
    if (name == kScratch) continue;
    if (name == "cells" && entry.is_directory(error) && fs::is_empty(entry.path(), error)) continue;
    return true;
  }
  return false;
}

/// `new` for `./new/` and `x/../new`: a directory is made under its own name, and none on the way that is left again.
fs::path plain(const fs::path& path) {
  const fs::path normal = path.lexically_normal();
  return normal.has_filename() || normal == normal.root_path() ? normal : normal.parent_path();
}

std::string stem(const Measurement& measurement) {
  return fmt::format("{:04}-r{}", measurement.cell, measurement.repetition);
}

/// Nothing if there is no complete record: the measurement is then pending.
std::optional<Failure> read_failure(const fs::path& path) {
  try {
    return failure_from_text(read_text_file(path, "failure", kMostJsonBytes));
  } catch (const InputError&) {
    return std::nullopt;
  }
}

}  // namespace

std::string to_text(const Measurement& measurement, const Failure& failure) {
  ordered_json document = {{"id", measurement.cell},
                           {"repetition", measurement.repetition},
                           {"status", failure.status},
                           {"reason", failure.reason}};
  if (failure.exit_code >= 0) document["exit_code"] = failure.exit_code;
  if (failure.signal != 0) document["signal"] = failure.signal;
  if (!failure.console.empty()) document["console"] = failure.console;
  document["command"] = failure.command;
  return dump(document);
}

std::optional<Failure> failure_from_text(std::string_view text) {
  try {
    const nlohmann::json document = parse_json(text);
    const JsonValue record(document);
    Failure failure;
    failure.status = os::printable(record.at("status").raw_text());
    failure.reason = os::printable(record.at("reason").raw_text());
    if (const auto code = record.find("exit_code")) failure.exit_code = code->number(0, 255);
    if (const auto signal = record.find("signal")) failure.signal = signal->number(1, SIGRTMAX);
    if (const auto console = record.find("console")) {
      for (const JsonValue& line : console->elements()) failure.console.push_back(os::printable(line.raw_text()));
    }
    if (const auto command = record.find("command")) failure.command = command->raw_text();
    return failure;
  } catch (const InputError&) {
    return std::nullopt;
  }
}

bool RunDirectory::is_run(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path / kPlan, ignored);
}

RunDirectory RunDirectory::create(const fs::path& given, Plan plan, const std::function<ordered_json()>& observe_host) {
  const fs::path path = plain(given);
  CreatedDirectories created;
  created.make(path);
  RunDirectory directory{path, lock_directory(path)};
  if (is_run(path)) {
    throw InputError{
        fmt::format("{} holds a run already; continue it with --resume or choose another --out", path.string())};
  }
  std::error_code error;
  sweep(path);
  if (holds_foreign_files(path)) {
    throw InputError{fmt::format("{} is not empty and holds no run; choose another --out", path.string())};
  }
  fs::remove_all(path / kScratch, error);
  created.make(path / "cells");
  os::require_space(path, kRoomForAResult);
  directory.document_ = run::to_json(plan);
  if (observe_host) directory.document_["host"] = observe_host();
  os::write_file(path / kPlan, dump(directory.document_));
  created.keep();
  directory.plan_ = std::move(plan);
  return directory;
}

RunDirectory RunDirectory::open(const fs::path& path) {
  if (!is_run(path)) {
    throw InputError{
        fmt::format("{} holds no run to resume (no run.json); leave --resume out to start one", path.string())};
  }
  RunDirectory directory{path, lock_directory(path)};
  const fs::path file = path / kPlan;
  const std::string text = read_text_file(file, "plan", kMostJsonBytes);
  directory.plan_ = plan_from_text(text, file.string());
  directory.document_ = ordered_json::parse(text);
  directory.load_results();
  return directory;
}

void RunDirectory::load_results() {
  clean();
  sweep(path_);
  std::error_code error;
  fs::create_directory(path_ / "cells", error);
  sweep(path_ / "cells");
  for (const Measurement& measurement : plan_.order) {
    const fs::path result = result_path(measurement);
    const fs::path failure = failure_path(measurement);
    for (unsigned number = 1; fs::exists(noisy_path(measurement, number), error); ++number) ++set_aside_[measurement];
    StoredResult stored{.problem = "there is none"};
    if (fs::is_regular_file(result, error)) stored = read_result_file(result);
    if (stored.is_result()) {
      results_[measurement] = std::move(stored);
      fs::remove(failure, error);  // of an earlier try, if the runner was killed before it could remove it
    } else if (fs::is_regular_file(failure, error)) {
      if (auto record = read_failure(failure)) failures_[measurement] = std::move(*record);
    }
  }
}

std::string RunDirectory::resume_command() const {
  std::vector<std::string> words = {"shadowwalk", "run", "--out", path_.string(), "--resume"};
  for (const PlannedPlugin& plugin : plan_.plugins) words.insert(words.end(), {"--plugin", plugin.file});
  return os::shell_line(words);
}

Status RunDirectory::status(const Measurement& measurement) const {
  if (results_.contains(measurement)) return Status::kMeasured;
  return failures_.contains(measurement) ? Status::kFailed : Status::kPending;
}

fs::path RunDirectory::prepare_scratch() {
  clean();
  os::require_space(path_, kRoomForAResult);
  std::error_code error;
  if (!fs::create_directory(path_ / kScratch, error)) {
    throw InputError{fmt::format("cannot make {}: {}; make it writable", (path_ / kScratch).string(), error.message())};
  }
  return path_ / kScratch / "result.json";
}

Acceptance RunDirectory::accept_result(const Measurement& measurement, const fs::path& scratch, unsigned retry_noisy) {
  using Kind = Acceptance::Kind;
  if (!fs::exists(scratch)) return {.kind = Kind::kRefused, .problem = "it ended without a result"};
  StoredResult result = read_result_file(scratch);
  if (!result.is_result()) return {.kind = Kind::kRefused, .problem = std::move(result.problem)};
  Acceptance acceptance{.noise_reasons = result.noise_reasons};
  if (result.noisy && !result.has_violations && times_set_aside(measurement) < retry_noisy) {
    os::commit_file(scratch, noisy_path(measurement, times_set_aside(measurement) + 1));
    ++set_aside_[measurement];
    acceptance.kind = Kind::kSetAside;
    return acceptance;
  }
  os::commit_file(scratch, result_path(measurement));
  std::error_code error;
  fs::remove(failure_path(measurement), error);
  failures_.erase(measurement);
  results_[measurement] = std::move(result);
  return acceptance;
}

unsigned RunDirectory::times_set_aside(const Measurement& measurement) const {
  const auto found = set_aside_.find(measurement);
  return found == set_aside_.end() ? 0 : found->second;
}

void RunDirectory::add_round(const std::vector<Measurement>& round) {
  ordered_json document = document_;
  document["rounds"].push_back(plan_.order.size());
  for (const Measurement& measurement : round) {
    document["order"].push_back(ordered_json::array({measurement.cell, measurement.repetition}));
  }
  os::write_file(path_ / kPlan, dump(document));
  document_ = std::move(document);
  plan_.rounds.push_back(plan_.order.size());
  plan_.order.insert(plan_.order.end(), round.begin(), round.end());
}

void RunDirectory::record_failure(const Measurement& measurement, const Failure& failure) {
  os::write_file(failure_path(measurement), to_text(measurement, failure));
  failures_[measurement] = failure;
}

void RunDirectory::clean() {
  std::error_code ignored;
  fs::remove_all(path_ / kScratch, ignored);
}

fs::path RunDirectory::result_path(const Measurement& measurement) const {
  return path_ / "cells" / (stem(measurement) + ".json");
}

fs::path RunDirectory::failure_path(const Measurement& measurement) const {
  return path_ / "cells" / (stem(measurement) + ".failed.json");
}

fs::path RunDirectory::noisy_path(const Measurement& measurement, unsigned number) const {
  return path_ / "cells" / fmt::format("{}.noisy-{}.json", stem(measurement), number);
}

}  // namespace shadowwalk::run
