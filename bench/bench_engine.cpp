#include "bench/bench_engine.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <limits>

#include "bench/registration.hpp"
#include "harness/lab/page_budget.hpp"

namespace shadowwalk::bench {
namespace {

CellConfig config_of(const VariantEntry& variant, const BenchEngine::Options& options) {
  CellConfig config;
  config.variant = variant.info.name;
  config.vcpus = options.vcpus;
  config.instrumentation = options.instrumentation;
  return config;
}

}  // namespace

BenchEngine::BenchEngine(const VariantEntry& variant, const Options& options)
    : config_(config_of(variant, options)), machine_(options.vcpus) {
  if (options.window_open) window_.set(CycleClock::now(), std::numeric_limits<std::uint64_t>::max());
  engine_ = variant.make_engine(machine_, config_, window_, {.capacity = options.capacity, .pretouch = 0});
}

BenchEngine::~BenchEngine() { engine_->drain(); }

BoundThread::BoundThread(NativeMachine::Vcpu& vcpu, unsigned index) : vcpu_(vcpu) {
  pthread_getname_np(pthread_self(), name_before_.data(), name_before_.size());
  vcpu_.bind(fmt::format("vcpu-{}", index));
}

BoundThread::~BoundThread() {
  vcpu_.unbind();
  pthread_setname_np(pthread_self(), name_before_.data());
}

BenchVcpu::BenchVcpu(BenchEngine& engine, unsigned index)
    : engine_(engine),
      pinned_(index),
      bound_(*engine.machine().vcpus()[index], index),
      record_(engine.window(), kBlock, engine.instrumentation()),
      vcpu_(engine.engine().attach_vcpu(index)) {}

BenchVcpu::~BenchVcpu() = default;

std::size_t BenchVcpu::zap(const HostAction& action) {
  vcpu_->offline();  // a quiescence scheme must not wait for the vCPU that commits
  const std::size_t pages = engine_.engine().act(action).pages;
  vcpu_->online();
  return pages;
}

}  // namespace shadowwalk::bench
