#include <cds/gc/dhp.h>
#include <cds/gc/hp.h>
#include <cds/init.h>
#include <cds/urcu/general_buffered.h>
#include <cds/urcu/general_instant.h>
#include <cds/urcu/general_threaded.h>

#include <atomic>
#include <cstddef>
#include <thread>

#include "bench/peers/peers.hpp"
#include "harness/machine/check.hpp"

/// libcds. Its collectors are global to the process and know each thread that walks or zaps. Each thread has a list of
/// what it has retired, and scans it when it ends.
namespace shadowwalk::bench {
namespace libcds_peers {

constexpr std::size_t kGuards = 3;     ///< tables below the root
constexpr std::size_t kRetired = 256;  ///< pages that a thread keeps before it scans, or the buffer of RCU holds

using RcuInstant = cds::urcu::gc<cds::urcu::general_instant<>>;
using RcuBuffered = cds::urcu::gc<cds::urcu::general_buffered<>>;
using RcuThreaded = cds::urcu::gc<cds::urcu::general_threaded<>>;

/// All collectors at once: libcds registers a thread with those that exist.
struct Library {
  Library() { cds::Initialize(); }
  ~Library() { cds::Terminate(); }
};
struct Collectors {
  Library library;  // before the others, and after them
  cds::gc::HP hp{kGuards, 2 * std::thread::hardware_concurrency() + 16, kRetired, cds::gc::HP::scan_type::inplace};
  cds::gc::DHP dhp{4 * kGuards};
  RcuInstant instant;
  RcuBuffered buffered{kRetired};
  RcuThreaded threaded{kRetired};
};

/// The calling thread, known to libcds for as long as it lives.
class KnownThread {
 public:
  static void enter() {
    static Collectors collectors;
    static thread_local const KnownThread known;
    static_cast<void>(known);
  }
  /// As if the thread had ended and another had begun: libcds scans what this thread and threads that have ended have
  /// retired.
  static void scan() {
    enter();
    cds::threading::Manager::detachThread();
    cds::threading::Manager::attachThread();
  }

 private:
  KnownThread() { cds::threading::Manager::attachThread(); }
  ~KnownThread() { cds::threading::Manager::detachThread(); }
};

/// Hazard pointers of a fixed number (HP) or as many as are wanted (DHP). Guards are taken once per vCPU. A hazard is
/// the address of a table, so that must be what is retired; its page is found through the one engine of the process.
template <class Machine, class Traits>
class CdsHazards {
  using Collector = typename Traits::Collector;

 public:
  struct Node {};
  static constexpr VariantInfo kInfo = Traits::kInfo;

  explicit CdsHazards(Environment<Machine, Node>& environment) : environment_(environment) {
    SHADOWWALK_CHECK(the_only_ == nullptr, "libcds has one collector a process, and two engines retire to it");
    the_only_ = &environment;
    KnownThread::enter();
  }
  ~CdsHazards() { the_only_ = nullptr; }

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(CdsHazards&, typename Machine::Vcpu&) {}
    static void begin() {}
    template <class Slot>
    SpteWord read(const Slot& slot, int level) {
      SpteWord spte = slot.load(std::memory_order_acquire);
      if (level == 1) return spte;
      while (spte_is_present(spte)) {
        guards_.assign(static_cast<std::size_t>(level - 2), reinterpret_cast<void*>(spte_address(spte)));
        const SpteWord again = slot.load(std::memory_order_acquire);
        const bool validated = spte_is_present(again) && spte_address(again) == spte_address(spte);
        spte = again;
        if (validated) break;
      }
      return spte;
    }
    bool end() {
      for (std::size_t i = 0; i < kGuards; ++i) guards_.clear(i);
      return true;
    }

   private:
    struct Known {
      Known() { KnownThread::enter(); }
    };
    [[no_unique_address]] Known known_;  // before guards are taken
    typename Collector::template GuardArray<kGuards> guards_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    KnownThread::enter();
    while (!batch.empty()) {
      Collector::retire(reinterpret_cast<void*>(batch.pop_front().address),
                        [](void* table) { the_only_->free(the_only_->pages[reinterpret_cast<SpteWord>(table)]); });
    }
  }
  void drain() { KnownThread::scan(); }

 private:
  static inline Environment<Machine, Node>* the_only_ = nullptr;
  Environment<Machine, Node>& environment_;
};

/// libcds's own user-space RCU.
template <class Machine, class Traits>
class CdsRcu {
  using Collector = typename Traits::Collector;

 public:
  struct Node {
    RetiredPage<Machine, Node> retired;
  };
  static constexpr VariantInfo kInfo = Traits::kInfo;

  explicit CdsRcu(Environment<Machine, Node>& environment) : environment_(environment) { KnownThread::enter(); }

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(CdsRcu&, typename Machine::Vcpu&) { KnownThread::enter(); }
    static void begin() { Collector::access_lock(); }
    static bool end() {
      Collector::access_unlock();
      return true;
    }
  };

  void birth(VariantPage<Node>& page) { page.node.retired = {&page, &environment_}; }
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    KnownThread::enter();
    while (!batch.empty()) {
      Collector::retire_ptr(&batch.pop_front().node, [](void* node) { static_cast<Node*>(node)->retired.free(); });
    }
  }
  void drain() {
    KnownThread::enter();
    Collector::force_dispose();
  }

 private:
  Environment<Machine, Node>& environment_;
};

constexpr std::string_view kLibrary = "libcds";
constexpr std::string_view kHazardCost = "a store, an atomic addition on an own line and one more load a level";
constexpr std::string_view kRcuCost = "its read lock and unlock";

struct Hp {
  using Collector = cds::gc::HP;
  static constexpr VariantInfo kInfo =
      peer_info("peer/libcds/hp", "hazard pointers", kLibrary, kHazardCost, "256 pages a zapper");
};
struct Dhp {
  using Collector = cds::gc::DHP;
  static constexpr VariantInfo kInfo = peer_info("peer/libcds/dhp", "hazard pointers, as many as are wanted", kLibrary,
                                                 kHazardCost, "grows with what is protected");
};
struct Instant {
  using Collector = RcuInstant;
  static constexpr VariantInfo kInfo =
      peer_info("peer/libcds/rcu_general_instant", "RCU, a grace period a page", kLibrary, kRcuCost, "one page");
};
struct Buffered {
  using Collector = RcuBuffered;
  static constexpr VariantInfo kInfo = peer_info(
      "peer/libcds/rcu_general_buffered", "RCU, a grace period when a buffer is full", kLibrary, kRcuCost, "256 pages");
};
struct Threaded {
  using Collector = RcuThreaded;
  static constexpr VariantInfo kInfo = peer_info(
      "peer/libcds/rcu_general_threaded", "the same, freed by a thread of its own", kLibrary, kRcuCost, "512 pages");
};

}  // namespace libcds_peers

void add_libcds_peers(AddPeer add) {
  using namespace libcds_peers;
  add_peers<CdsHazards, Dhp, Hp>(add);
  add_peers<CdsRcu, Buffered, Instant, Threaded>(add);
}

}  // namespace shadowwalk::bench
