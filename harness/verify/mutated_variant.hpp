#pragma once

#include <utility>

#include "harness/simulation/machine.hpp"
#include "variants/contract.hpp"

namespace shadowwalk::verify {

/// A scheme's environment, which plants those bugs of Mutant that concern pages.
template <class Machine, class Node>
class MutatedEnvironment final : public Environment<Machine, Node> {
 public:
  explicit MutatedEnvironment(Environment<Machine, Node>& environment)
      : Environment<Machine, Node>(environment.machine, environment.mmu_lock, environment.pages),
        environment_(environment) {}

  using Environment<Machine, Node>::free;
  void free(VariantPage<Node>& page) override {
    if (Machine::has_bug(Mutant::page_never_freed)) return;
    if (Machine::has_bug(Mutant::one_page_per_commit) && committing_ && freed_in_commit_++ != 0) {
      left_.push_back(page);
      return;
    }
    environment_.free(page);
    if (Machine::has_bug(Mutant::page_freed_twice)) environment_.free(page);
  }

  void begin_commit() {
    committing_ = true;
    freed_in_commit_ = 0;
    if (!left_.empty()) free(left_.pop_front());
  }
  void end_commit() { committing_ = false; }
  void free_what_is_left() { environment_.free(std::move(left_)); }

 private:
  Environment<Machine, Node>& environment_;
  bool committing_ = false;  // mmu_lock, as the next two
  unsigned freed_in_commit_ = 0;
  PageBatch<Node> left_;
};

template <class Machine, class Node>
struct MutatingBase {
  explicit MutatingBase(Environment<Machine, Node>& environment) : mutated(environment) {}
  MutatedEnvironment<Machine, Node> mutated;
};

/// A scheme, as it is, that has whichever of Mutant's bugs in schemes the execution plants. As a tree's variant:
/// Mutated<Variant>::template Of.
template <template <class> class Variant>
struct Mutated {
  template <class Machine>
  class Of : private MutatingBase<Machine, typename Variant<Machine>::Node>, public Variant<Machine> {
   public:
    using Node = typename Variant<Machine>::Node;

    explicit Of(Environment<Machine, Node>& environment)
        : MutatingBase<Machine, Node>(environment), Variant<Machine>(this->mutated) {}

    class Walker {
     public:
      Walker(Of& scheme, typename Machine::Vcpu& vcpu) : walker_(scheme, vcpu) {}

      void begin() {
        ended_ = false;
        const Unordered unordered;
        walker_.begin();
      }
      template <class Slot>
      SpteWord read(const Slot& slot, int level) {
        if (level == 1 && Machine::has_bug(Mutant::end_before_last_read)) {
          ended_ = true;
          usable_ = walker_.end();
        }
        const Unordered unordered;
        return walker_.read(slot, level);
      }
      bool end() { return ended_ ? usable_ : walker_.end(); }
      void offline() { walker_.offline(); }
      void online() { walker_.online(); }

     private:
      /// For a scope.
      struct Unordered {
        Unordered() { simulation::Execution::current().set_unordered(Machine::has_bug(Mutant::begin_without_barrier)); }
        ~Unordered() { simulation::Execution::current().set_unordered(false); }
        Unordered(const Unordered&) = delete;
        Unordered& operator=(const Unordered&) = delete;
      };

      typename Variant<Machine>::Walker walker_;
      bool ended_ = false;
      bool usable_ = false;
    };

    void commit(PageBatch<Node>&& batch) {
      if (Machine::has_bug(Mutant::zapped_pages_kept)) return kept_.splice(std::move(batch));
      this->mutated.begin_commit();
      Variant<Machine>::commit(std::move(batch));
      this->mutated.end_commit();
    }
    void drain() {
      this->mutated.free(std::move(kept_));
      this->mutated.free_what_is_left();
      Variant<Machine>::drain();
    }

   private:
    PageBatch<Node> kept_;  // mmu_lock
  };
};

}  // namespace shadowwalk::verify
