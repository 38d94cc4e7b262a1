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
class StackPool {
 public:
  static StackPool& instance() {
    thread_local StackPool pool;
    return pool;
  }
  std::unique_ptr<std::byte[]> take() {
    if (free_.empty()) return std::make_unique_for_overwrite<std::byte[]>(kStackBytes);
    auto stack = std::move(free_.back());
    free_.pop_back();
    return stack;
  }
  void give_back(std::unique_ptr<std::byte[]> stack) { free_.push_back(std::move(stack)); }

 private:
  std::vector<std::unique_ptr<std::byte[]>> free_;
};

/// A stack allocator in the sense of Boost.Context. `bottom` receives the address where the stack begins.
class PooledStack {
 public:
  explicit PooledStack(const void** bottom) : bottom_(bottom) {}
  boost::context::stack_context allocate() {
    std::byte* const memory = StackPool::instance().take().release();
    *bottom_ = memory;
    boost::context::stack_context context;
    context.size = kStackBytes;
    context.sp = memory + kStackBytes;
    return context;
  }
  void deallocate(boost::context::stack_context& context) noexcept {
    auto* const top = static_cast<std::byte*>(context.sp);
    StackPool::instance().give_back(std::unique_ptr<std::byte[]>(top - context.size));
  }

 private:
  const void** bottom_;
};

}  // namespace

Fiber::Fiber(std::function<void()> body)
    : body_(std::move(body)), fiber_(std::allocator_arg, PooledStack(&stack_), [this](boost::context::fiber&& caller) {
        enter(std::move(caller));
        return std::move(caller_);
      }) {}

Fiber::~Fiber() { SHADOWWALK_CHECK(!begun_ || finished_, "a fiber was destroyed in the middle of its body"); }

void Fiber::enter(boost::context::fiber&& caller) {
  inside();
  caller_ = std::move(caller);
  body_();
  finished_ = true;
  about_to_leave(true);
}

void Fiber::resume() {
  begun_ = true;
  about_to_enter();
  fiber_ = std::move(fiber_).resume();
  back_outside();
}

void Fiber::suspend() {
  about_to_leave(false);
  caller_ = std::move(caller_).resume();
  inside();
}

#ifdef SHADOWWALK_ASAN
void Fiber::about_to_enter() { __sanitizer_start_switch_fiber(&caller_fake_stack_, stack_, kStackBytes); }
void Fiber::back_outside() { __sanitizer_finish_switch_fiber(caller_fake_stack_, nullptr, nullptr); }
void Fiber::inside() { __sanitizer_finish_switch_fiber(fake_stack_, &caller_stack_, &caller_stack_bytes_); }
void Fiber::about_to_leave(bool for_ever) {
  __sanitizer_start_switch_fiber(for_ever ? nullptr : &fake_stack_, caller_stack_, caller_stack_bytes_);
}
#else
void Fiber::about_to_enter() {}
void Fiber::back_outside() {}
void Fiber::inside() {}
void Fiber::about_to_leave(bool) {}
#endif

}  // namespace shadowwalk
