// liburcu, compiled once per flavour: SHADOWWALK_URCU_FLAVOUR is memb, mb, qsbr or bp. Its read side is inlined, as in
// the lab, and pages go through call_rcu(), as the library's users free memory.
#define SHADOWWALK_JOIN_(left, right) left##right
#define SHADOWWALK_JOIN(left, right) SHADOWWALK_JOIN_(left, right)
#define SHADOWWALK_TEXT_(text) #text
#define SHADOWWALK_TEXT(text) SHADOWWALK_TEXT_(text)
#define SHADOWWALK_URCU(name) SHADOWWALK_JOIN(SHADOWWALK_JOIN(urcu_, SHADOWWALK_URCU_FLAVOUR), name)
#define SHADOWWALK_URCU_NAMESPACE SHADOWWALK_URCU(_peers)

// These must be the first headers: the first of them decides for which flavour call_rcu() is declared.
#define _LGPL_SOURCE
#include SHADOWWALK_URCU_HEADER

#include <string_view>

#include "bench/peers/peers.hpp"

namespace shadowwalk::bench {
/// Each flavour's Urcu is another class.
namespace SHADOWWALK_URCU_NAMESPACE {

/// Registers a vCPU's thread with this flavour; the lab's own RCU has done so for its own flavour.
constexpr bool kVcpusAreKnown = std::string_view(SHADOWWALK_TEXT(SHADOWWALK_URCU_FLAVOUR)) == "memb";
constexpr bool kIsQsbr = std::string_view(SHADOWWALK_TEXT(SHADOWWALK_URCU_FLAVOUR)) == "qsbr";

/// One call_rcu() a page, by whatever thread zaps: liburcu need not know it, for the read lock that call_rcu() takes
/// is there for workers of single CPUs, of which there are none.
template <class Machine>
class Urcu {
 public:
  struct Node {
    rcu_head head;
    RetiredPage<Machine, Node> retired;
  };
  static constexpr VariantInfo kInfo{
      .name = "peer/urcu/" SHADOWWALK_TEXT(SHADOWWALK_URCU_FLAVOUR),
      .summary = "RCU, one call_rcu() a page",
      .source = "liburcu",
      .read_side_cost = kIsQsbr ? "a quiescent state after each walk" : "its read lock and unlock",
      .unreclaimed_bound = "none: what is zapped until the worker of call_rcu() has slept and a grace period is over",
      .needs = "a thread that runs callbacks"};

  explicit Urcu(Environment<Machine, Node>& environment) : environment_(environment) {}

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(Urcu&, typename Machine::Vcpu&) {
      if constexpr (!kVcpusAreKnown) SHADOWWALK_URCU(_register_thread)();
    }
    ~Walker() {
      if constexpr (!kVcpusAreKnown) SHADOWWALK_URCU(_unregister_thread)();
    }
    static void begin() { SHADOWWALK_URCU(_read_lock)(); }
    static bool end() {
      SHADOWWALK_URCU(_read_unlock)();
      if constexpr (kIsQsbr) SHADOWWALK_URCU(_quiescent_state)();
      return true;
    }
    static void offline() {
      if constexpr (kIsQsbr) SHADOWWALK_URCU(_thread_offline)();
    }
    static void online() {
      if constexpr (kIsQsbr) SHADOWWALK_URCU(_thread_online)();
    }
  };

  void birth(VariantPage<Node>& page) { page.node.retired = {&page, &environment_}; }
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    while (!batch.empty()) {
      SHADOWWALK_URCU(_call_rcu)
      (&batch.pop_front().node.head, [](rcu_head* head) {
        reinterpret_cast<Node*>(head)->retired.free();  // its first member
      });
    }
  }
  void drain() { SHADOWWALK_URCU(_barrier)(); }

 private:
  Environment<Machine, Node>& environment_;
};

}  // namespace SHADOWWALK_URCU_NAMESPACE

void SHADOWWALK_JOIN(SHADOWWALK_JOIN(add_urcu_, SHADOWWALK_URCU_FLAVOUR), _peer)(AddPeer add) {
  add_peer<SHADOWWALK_URCU_NAMESPACE::Urcu>(add);
}

}  // namespace shadowwalk::bench
