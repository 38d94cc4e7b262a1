// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/contract.hpp"

namespace shadowwalk {

/// The Node of schemes that leave the pages of a commit to one RCU callback: the first page's head stands for the
/// chain, as in the kernel.
template <class Machine>
struct RcuBatchNode : Machine::RcuHead {
  VariantPage<RcuBatchNode>* chain = nullptr;  ///< in the first page of a batch: the pages that its callback frees
};

/// One callback of `rcu`, the machine's RCU or SRCU, that frees the whole batch. `environment` outlives it.
template <class Machine, class Rcu>
void call_rcu_for_batch(Rcu& rcu, Environment<Machine, RcuBatchNode<Machine>>& environment,
                        PageBatch<RcuBatchNode<Machine>>&& batch) {
  using Node = RcuBatchNode<Machine>;
  VariantPage<Node>& first = batch.front();
  first.node.chain = &first;
  rcu.call(
      first.node,
      [](typename Machine::RcuHead* head, void* context) {
        VariantPage<Node>* page = static_cast<Node*>(head)->chain;
        while (page != nullptr) {
          VariantPage<Node>* const next = page->next;
          static_cast<Environment<Machine, Node>*>(context)->free(*page);
          page = next;
        }
      },
      &environment);
}

/// A read-side section that is RCU's and nothing else.
template <class Machine>
struct RcuWalker : PlainWalker<Machine> {
  static void begin() { Machine::Rcu::read_lock(); }
  static bool end() {
    Machine::Rcu::read_unlock();
    return true;
  }
};

}  // namespace shadowwalk
