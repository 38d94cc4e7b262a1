#pragma once

namespace shadowwalk {

/// The handle of one pending callback, embedded in what it frees (struct rcu_head).
struct RcuHead {
  RcuHead* next = nullptr;
  void (*func)(RcuHead*, void* context) = nullptr;
  void* context = nullptr;
};

}  // namespace shadowwalk
