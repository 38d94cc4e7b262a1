// C headers, whose inline functions turn void* into other pointers without a cast, as C does: what ck_pr_fas_ptr()
// returns may do so here, too.
extern "C" {
#include <ck_pr.h>
}
struct AnyPointer {
  void* pointer;
  template <class T>
  operator T*() const {
    return static_cast<T*>(pointer);
  }
};
#define ck_pr_fas_ptr(target, value) (AnyPointer{(ck_pr_fas_ptr)(target, value)})
#include <ck_stack.h>
#undef ck_pr_fas_ptr
extern "C" {
#include <ck_brlock.h>
#include <ck_epoch.h>
#include <ck_hp.h>
}

#include <vector>

#include "bench/peers/peers.hpp"

/// Concurrency Kit. Its records belong to no thread: each vCPU has one, and all commits, which mmu_lock orders, share
/// one.
namespace shadowwalk::bench {
namespace ck_peers {

/// ck_hp: hazard pointers. ck_hp_set_fence() is an xchg here; past the threshold a commit scans.
template <class Machine>
class CkHp {
 public:
  struct Node {
    ck_hp_hazard_t hazard;
    RetiredPage<Machine, Node> retired;
  };
  static constexpr VariantInfo kInfo = peer_info("peer/ck/hp", "hazard pointers (ck_hp)", "Concurrency Kit",
                                                 "one xchg and one more load a level", "64 + vCPUs x 3 pages");
  static constexpr unsigned kHazards = 4;     ///< as `hazard` has
  static constexpr unsigned kThreshold = 64;  ///< the same

  explicit CkHp(Environment<Machine, Node>& environment)
      : environment_(environment), records_(environment.machine.vcpus().size() + 1) {
    ck_hp_init(&hp_, kHazards, kThreshold, [](void* node) { static_cast<Node*>(node)->retired.free(); });
    for (Record& record : records_) ck_hp_register(&hp_, &record.record, record.pointers);
  }

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(CkHp& scheme, typename Machine::Vcpu& vcpu)
        : record_(scheme.records_[index_of(scheme.environment_, vcpu)].record) {}
    static void begin() {}
    template <class Slot>
    SpteWord read(const Slot& slot, int level) const {
      SpteWord spte = slot.load(std::memory_order_acquire);
      if (level == 1) return spte;
      while (spte_is_present(spte)) {
        ck_hp_set_fence(&record_, static_cast<unsigned>(level - 2), reinterpret_cast<void*>(spte_address(spte)));
        const SpteWord again = slot.load(std::memory_order_acquire);
        const bool validated = spte_is_present(again) && spte_address(again) == spte_address(spte);
        spte = again;
        if (validated) break;
      }
      return spte;
    }
    bool end() const {
      ck_hp_clear(&record_);
      return true;
    }

   private:
    ck_hp_record_t& record_;
  };

  void birth(VariantPage<Node>& page) { page.node.retired = {&page, &environment_}; }
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    while (!batch.empty()) {
      VariantPage<Node>& page = batch.pop_front();
      ck_hp_free(&records_.back().record, &page.node.hazard, &page.node, reinterpret_cast<void*>(page.address));
    }
  }
  void drain() { ck_hp_purge(&records_.back().record); }

 private:
  struct Record {
    ck_hp_record_t record;
    void* pointers[kHazards];
  };
  Environment<Machine, Node>& environment_;
  ck_hp_t hp_;
  std::vector<Record> records_;  // the last is that of commits
};

/// ck_epoch: epochs, with ck_epoch_call() per page and one ck_epoch_poll() per zap.
template <class Machine>
class CkEpoch {
 public:
  struct Node {
    ck_epoch_entry_t entry;
    RetiredPage<Machine, Node> retired;
  };
  static constexpr VariantInfo kInfo =
      peer_info("peer/ck/epoch", "epochs (ck_epoch), polled at each zap", "Concurrency Kit",
                "xchg and a release store on an own line", "none while a walker is stalled");

  explicit CkEpoch(Environment<Machine, Node>& environment)
      : environment_(environment), records_(environment.machine.vcpus().size() + 1) {
    ck_epoch_init(&epoch_);
    for (ck_epoch_record_t& record : records_) ck_epoch_register(&epoch_, &record, nullptr);
  }

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(CkEpoch& scheme, typename Machine::Vcpu& vcpu)
        : record_(scheme.records_[index_of(scheme.environment_, vcpu)]) {}
    void begin() const { ck_epoch_begin(&record_, nullptr); }
    bool end() const {
      ck_epoch_end(&record_, nullptr);
      return true;
    }

   private:
    ck_epoch_record_t& record_;
  };

  void birth(VariantPage<Node>& page) { page.node.retired = {&page, &environment_}; }
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    while (!batch.empty()) {
      ck_epoch_call(&records_.back(), &batch.pop_front().node.entry, [](ck_epoch_entry_t* entry) {
        reinterpret_cast<Node*>(entry)->retired.free();  // its first member
      });
    }
    ck_epoch_poll(&records_.back());
  }
  void drain() { ck_epoch_barrier(&records_.back()); }

 private:
  Environment<Machine, Node>& environment_;
  ck_epoch_t epoch_;
  std::vector<ck_epoch_record_t> records_;  // the last is that of commits
};

/// ck_brlock: a big-reader lock. A walker writes its own line only; a zap looks at every reader's.
template <class Machine>
class CkBrlock {
 public:
  struct Node {};
  static constexpr VariantInfo kInfo =
      peer_info("peer/ck/brlock", "a big-reader lock (ck_brlock), taken by a zap once", "Concurrency Kit",
                "xchg and a release store on an own line", "the pages of one zap");

  explicit CkBrlock(Environment<Machine, Node>& environment)
      : environment_(environment), readers_(environment.machine.vcpus().size()) {
    ck_brlock_init(&lock_);
    for (Reader& reader : readers_) ck_brlock_read_register(&lock_, &reader.reader);
  }

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(CkBrlock& scheme, typename Machine::Vcpu& vcpu)
        : lock_(scheme.lock_), reader_(scheme.readers_[index_of(scheme.environment_, vcpu)].reader) {}
    void begin() const { ck_brlock_read_lock(&lock_, &reader_); }
    bool end() const {
      ck_brlock_read_unlock(&reader_);
      return true;
    }

   private:
    ck_brlock_t& lock_;
    ck_brlock_reader_t& reader_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    ck_brlock_write_lock(&lock_);  // every reader is out
    ck_brlock_write_unlock(&lock_);
    environment_.free(std::move(batch));
  }
  void drain() {}

 private:
  struct alignas(64) Reader {
    ck_brlock_reader_t reader{};
  };

  Environment<Machine, Node>& environment_;
  alignas(64) ck_brlock_t lock_;
  std::vector<Reader> readers_;
};

}  // namespace ck_peers

void add_ck_peers(AddPeer add) {
  add_peer<ck_peers::CkBrlock>(add);
  add_peer<ck_peers::CkEpoch>(add);
  add_peer<ck_peers::CkHp>(add);
}

}  // namespace shadowwalk::bench
