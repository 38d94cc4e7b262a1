#include <algorithm>
#include <chrono>
#include <utility>

#include "harness/simulation/bounded_search.hpp"
#include "harness/simulation/exhaustive_search.hpp"
#include "harness/simulation/random_schedule.hpp"
#include "harness/verify/run_once.hpp"

namespace shadowwalk::verify {
namespace {

class Exploration {
 public:
  Exploration(const VerifiedVariant& variant, const VerifyConfig& config) : variant_(variant), setting_(config) {}

  Report run() {
    if (setting_.random != 0) {
      run_random();
    } else if (setting_.preemptions) {
      run_bounded(*setting_.preemptions);
    } else {
      simulation::ExhaustiveSearch search;
      report_.exhausted = run_all(search);
    }
    report_.sites = sites_.sites();
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    return std::move(report_);
  }

 private:
  /// True: to its end.
  template <class Search>
  bool run_all(Search& search) {
    do {
      if (setting_.most_executions != 0 && report_.executions == setting_.most_executions) return false;
      if (!run_one(search)) return false;
    } while (search.next());
    return true;
  }

  /// The fewest first: what goes wrong then does so with the fewest.
  void run_bounded(unsigned most) {
    for (unsigned preemptions = 0; preemptions <= most; ++preemptions) {
      simulation::BoundedSearch search(preemptions);
      if (!run_all(search)) {
        if (report_.failure) report_.failure->fewest_preemptions = true;
        return;
      }
      report_.covered_preemptions = preemptions;
      if (!search.met_bound()) {
        report_.exhausted = true;
        return;
      }
    }
  }

  void run_random() {
    constexpr unsigned kDeepest = 5;
    for (std::uint64_t i = 0; i < setting_.random; ++i) {
      simulation::RandomSchedule schedule(setting_.seed + i, 1 + static_cast<unsigned>(i % kDeepest),
                                          report_.longest == 0 ? 100 : report_.longest);
      if (!run_one(schedule)) return;
    }
  }

  /// False: it went wrong.
  bool run_one(simulation::Schedule& schedule) {
    const Outcome outcome = run_once(variant_, setting_, schedule, {.sites = &sites_});
    ++report_.executions;
    report_.longest = std::max<std::uint64_t>(report_.longest, outcome.schedule.size());
    report_.passed_mutant |= outcome.passed_mutant;
    if (outcome.end == simulation::Execution::End::stopped) ++report_.redundant;
    if (outcome.wrong.empty()) return true;
    report_.failure = outcome.failure();
    return false;
  }

  const VerifiedVariant& variant_;
  const VerifyConfig& setting_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  simulation::SiteCollection sites_;
  Report report_;
};

}  // namespace

Report VerifiedVariant::verify(const VerifyConfig& config) const { return Exploration(*this, config).run(); }

}  // namespace shadowwalk::verify
