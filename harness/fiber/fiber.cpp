#include "harness/fiber/fiber.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "harness/machine/check.hpp"
#include "harness/machine/sanitizers.hpp"

#ifdef SHADOWWALK_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace shadowwalk {
namespace {

constexpr std::size_t kStackBytes = std::size_t{256} << 10;

/// Stacks are reused: an exploration makes millions of fibers, a few at a time.
thread_local std::vector<std::unique_ptr<std::byte[]>> free_stacks;

/// A stack allocator in the sense of Boost.Context. `bottom` receives the address where the stack begins.
class PooledStack {
 public:
  explicit PooledStack(const void** bottom) : bottom_(bottom) {}
  boost::context::stack_context allocate() {
    if (free_stacks.empty()) free_stacks.push_back(std::make_unique_for_overwrite<std::byte[]>(kStackBytes));
    std::byte* const memory = free_stacks.back().release();
    free_stacks.pop_back();
    *bottom_ = memory;
    boost::context::stack_context context;
    context.size = kStackBytes;
    context.sp = memory + kStackBytes;
    return context;
  }
  void deallocate(boost::context::stack_context& context) noexcept {
    auto* const top = static_cast<std::byte*>(context.sp);
    free_stacks.emplace_back(top - context.size);
  }

 private:
  const void** bottom_;
};

// AddressSanitizer must know of every change of stack.
#ifdef SHADOWWALK_ASAN
void start_switch(void** fake_stack, const void* bottom, std::size_t bytes) {
  __sanitizer_start_switch_fiber(fake_stack, bottom, bytes);
}
void finish_switch(void* fake_stack, const void** old_bottom, std::size_t* old_bytes) {
  __sanitizer_finish_switch_fiber(fake_stack, old_bottom, old_bytes);
}
#else
void start_switch(void**, const void*, std::size_t) {}
void finish_switch(void*, const void**, std::size_t*) {}
#endif

}  // namespace

Fiber::Fiber(std::function<void()> body)
    : body_(std::move(body)), fiber_(std::allocator_arg, PooledStack(&stack_), [this](boost::context::fiber&& caller) {
        enter(std::move(caller));
        return std::move(caller_);
      }) {}

Fiber::~Fiber() { SHADOWWALK_CHECK(!begun_ || finished_, "a fiber was destroyed in the middle of its body"); }

void Fiber::enter(boost::context::fiber&& caller) {
  finish_switch(nullptr, &caller_stack_, &caller_stack_bytes_);
  caller_ = std::move(caller);
  body_();
  finished_ = true;
  start_switch(nullptr, caller_stack_, caller_stack_bytes_);  // null: for ever
}

void Fiber::resume() {
  begun_ = true;
  start_switch(&caller_fake_stack_, stack_, kStackBytes);
  fiber_ = std::move(fiber_).resume();
  finish_switch(caller_fake_stack_, nullptr, nullptr);
}

void Fiber::suspend() {
  start_switch(&fake_stack_, caller_stack_, caller_stack_bytes_);
  caller_ = std::move(caller_).resume();
  finish_switch(fake_stack_, &caller_stack_, &caller_stack_bytes_);
}

}  // namespace shadowwalk
