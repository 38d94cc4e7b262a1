#include "harness/lab/thread_events.hpp"

#include "harness/measure/pmu/microarchitecture.hpp"

namespace shadowwalk {

pmu::EncodedSelection encode_events(const std::string& text, pmu::CountedCode code) {
  if (text.empty()) return {};
  return pmu::encode_selection(pmu::select_events(text, pmu::this_microarchitecture()), {}, code);
}

void ThreadEvents::open(pmu::PerfKernel& kernel, ReadCounter read_counter) {
  if (selection_.events.empty()) return;
  opened_.emplace(selection_.events, kernel);
  if (stretches_wanted_) stretch_counts_.emplace(*opened_, read_counter);
}

void ThreadEvents::pass(std::uint64_t now) {
  if (phase_ == Phase::before && now >= window_.start()) start();
  if (phase_ == Phase::within && now >= window_.end()) stop();
}

void ThreadEvents::start() {
  if (!opened_ || phase_ != Phase::before) return;
  opened_->enable();
  phase_ = Phase::within;
}

void ThreadEvents::stop() {
  if (!opened_ || phase_ != Phase::within) return;
  opened_->disable();
  phase_ = Phase::after;
}

}  // namespace shadowwalk
