#include <harness/plugin/plugin.hpp>

/// mine: a walker raises a flag of its own; the thread that frees waits until it has seen each flag down.
///
/// begin:  (1) flag = 1 by xchg. end: (2) flag = 0 by a release store.
/// commit: flush_remote_tlbs(); (3) full barrier; (4) wait for each flag to be 0; free.
///
/// (1) and (3) are store buffering: "flag = 1; barrier; read slot" against "clear slot; barrier; read flag".
/// (2) pairs with the acquire (4): a flag that is seen down comes after the section's reads.
template <class Machine>
class Mine {
 public:
  struct Node {};
  static constexpr shadowwalk::VariantInfo kInfo{.name = "mine",
                                                 .summary = "one flag per vCPU; commit() waits until each is down",
                                                 .source = "examples/variant-plugin",
                                                 .read_side_cost = "xchg and a release store on an own line",
                                                 .unreclaimed_bound = "0: commit() waits for walkers",
                                                 .most_unreclaimed = shadowwalk::all_freed_in_commit,
                                                 .needs = "nothing"};

  explicit Mine(shadowwalk::Environment<Machine, Node>& environment)
      : environment_(environment), flags_(environment.machine.vcpus().size()) {}

  class Walker : public shadowwalk::PlainWalker<Machine> {
   public:
    Walker(Mine& scheme, typename Machine::Vcpu& vcpu) : flag_(scheme.flag_of(vcpu)) {}
    void begin() const { flag_.exchange(1, std::memory_order_seq_cst); }  // (1)
    bool end() const {
      flag_.store(0, std::memory_order_release);  // (2)
      return true;
    }

   private:
    typename Machine::template Atomic<int>& flag_;
  };

  void birth(shadowwalk::VariantPage<Node>&) {}
  void commit(shadowwalk::PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    Machine::full_fence();  // (3)
    for (Flag& flag : flags_) {
      for (typename Machine::Backoff backoff; flag.up.load(std::memory_order_acquire) != 0;) backoff.wait();  // (4)
    }
    environment_.free(std::move(batch));
  }
  void drain() {}

 private:
  struct alignas(64) Flag {
    typename Machine::template Atomic<int> up{0};
  };
  auto& flag_of(const typename Machine::Vcpu& vcpu) {
    const auto vcpus = environment_.machine.vcpus();
    return flags_[static_cast<std::size_t>(std::ranges::find(vcpus, &vcpu) - vcpus.begin())].up;
  }
  shadowwalk::Environment<Machine, Node>& environment_;
  std::vector<Flag> flags_;
};
SHADOWWALK_PLUGIN(Mine);
