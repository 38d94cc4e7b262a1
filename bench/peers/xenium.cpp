#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <xenium/reclamation/generic_epoch_based.hpp>
#include <xenium/reclamation/hazard_eras.hpp>
#include <xenium/reclamation/hazard_pointer.hpp>

#include "bench/peers/peers.hpp"

/// xenium. A guard_ptr a table within a region_guard, as its containers use them. Its guards read a concurrent_ptr, and
/// SPTEs are none: each table's guard acquires from a variable that holds what the slot held, and where a guard
/// protects one object and not all, the slot is read again. Retired pages are in lists of the threads that zapped,
/// which leave them to others when they end.
namespace shadowwalk::bench {
namespace xenium_peers {

/// What a guard of a scheme keeps from being freed.
enum class Protects {
  everything,  ///< whatever is retired from now on: epochs
  object,      ///< the object whose address it published
  era,         ///< objects that were there in the era that it published
};

/// `Traits`: Reclaimer, kProtects, kInfo.
template <class Machine, class Traits>
class XeniumScheme {
  using Reclaimer = typename Traits::Reclaimer;

 public:
  struct Node;
  static constexpr VariantInfo kInfo = Traits::kInfo;

  /// What is retired in the page's stead.
  struct Retired;
  struct FreePage {
    void operator()(Retired* retired) const {
      if (retired->page == nullptr) {
        delete retired;  // one of drain()'s
      } else {
        retired->scheme->free(*retired->page);
      }
    }
  };
  struct Retired : Reclaimer::template enable_concurrent_ptr<Retired, 0, FreePage> {
    XeniumScheme* scheme = nullptr;
    VariantPage<Node>* page = nullptr;
  };
  struct Node {
    Retired retired;
    /// Tells a page from the one that it was before it was freed: an era does not protect what was born after it.
    std::atomic<std::uint64_t> births{0};
  };

  using ConcurrentPtr = typename Reclaimer::template concurrent_ptr<Retired, 0>;
  using Marked = typename ConcurrentPtr::marked_ptr;
  using Guard = typename ConcurrentPtr::guard_ptr;
  static constexpr std::size_t kGuards = 3;  ///< tables below the root

  explicit XeniumScheme(Environment<Machine, Node>& environment) : environment_(environment) {}

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(XeniumScheme& scheme, typename Machine::Vcpu&) : environment_(scheme.environment_) {}

    void begin() { region_.emplace(); }

    template <class Slot>
    SpteWord read(const Slot& slot, int level) {
      SpteWord spte = slot.load(std::memory_order_acquire);
      if (level == 1) return spte;
      Guard& guard = guards_[static_cast<std::size_t>(level - 2)];
      if constexpr (Traits::kProtects == Protects::everything) {
        seen_.store(Marked(reinterpret_cast<Retired*>(spte_address(spte))), std::memory_order_relaxed);
        guard.acquire(seen_, std::memory_order_relaxed);  // which asks nothing of the pointer but whether it is one
        return spte;
      } else {
        while (spte_is_present(spte)) {
          Node& node = environment_.pages[spte].node;
          // acquire, with the release in birth(): the era that the guard sees next is not before the page's.
          const std::uint64_t births = node.births.load(std::memory_order_acquire);
          seen_.store(Marked(&node.retired), std::memory_order_relaxed);
          guard.acquire(seen_, std::memory_order_relaxed);
          const SpteWord again = slot.load(std::memory_order_acquire);
          const bool validated =
              spte_is_present(again) && spte_address(again) == spte_address(spte) &&
              (Traits::kProtects == Protects::object || node.births.load(std::memory_order_relaxed) == births);
          spte = again;
          if (validated) break;
        }
        return spte;
      }
    }

    bool end() {
      for (Guard& guard : guards_) guard.reset();
      region_.reset();
      return true;
    }

   private:
    Environment<Machine, Node>& environment_;
    ConcurrentPtr seen_;
    std::array<Guard, kGuards> guards_;
    std::optional<typename Reclaimer::region_guard> region_;
  };

  void birth(VariantPage<Node>& page) {
    Retired& retired = page.node.retired;
    if constexpr (Traits::kProtects == Protects::era) {  // the era of its birth is its constructor's
      std::destroy_at(&retired);
      std::construct_at(&retired);
    }
    retired.scheme = this;
    retired.page = &page;
    page.node.births.fetch_add(1, std::memory_order_release);  // with the acquire in read()
  }

  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    retired_.fetch_add(batch.size(), std::memory_order_relaxed);
    while (!batch.empty()) retire(batch.pop_front().node.retired);
  }

  /// Nobody walks any more: whatever makes the library look again frees what is left.
  void drain() {
    while (retired_.load(std::memory_order_acquire) != 0) retire(*new Retired);
  }

 private:
  static void retire(Retired& retired) {
    [[maybe_unused]] const typename Reclaimer::region_guard region;
    Guard guard{Marked(&retired)};
    guard.reclaim();
  }
  void free(VariantPage<Node>& page) {
    environment_.free(page);
    retired_.fetch_sub(1, std::memory_order_release);  // with the acquire in drain()
  }

  Environment<Machine, Node>& environment_;
  std::atomic<std::size_t> retired_{0};
};

constexpr std::string_view kLibrary = "xenium";
constexpr std::string_view kUnbounded = "none while a walker is stalled";

struct HazardPointer {
  // A guard a table, and one to retire with.
  using Reclaimer = xenium::reclamation::hazard_pointer<>::with<
      xenium::policy::allocation_strategy<xenium::reclamation::hp_allocation::static_strategy<4>>>;
  static constexpr Protects kProtects = Protects::object;
  static constexpr VariantInfo kInfo = peer_info("peer/xenium/hazard_pointer", "hazard pointers", kLibrary,
                                                 "a fence and one more load a level", "100 + threads x 8 pages");
};
struct HazardEras {
  using Reclaimer = xenium::reclamation::hazard_eras<>::with<
      xenium::policy::allocation_strategy<xenium::reclamation::he_allocation::static_strategy<4>>>;
  static constexpr Protects kProtects = Protects::era;
  static constexpr VariantInfo kInfo =
      peer_info("peer/xenium/hazard_eras", "hazard eras", kLibrary, "a fence when the era changed",
                "pages that were there in an era that is held");
};
struct EpochBased {
  using Reclaimer = xenium::reclamation::epoch_based<>;
  static constexpr Protects kProtects = Protects::everything;
  static constexpr VariantInfo kInfo = peer_info("peer/xenium/epoch_based", "epochs (Fraser 2004)", kLibrary,
                                                 "a fence a guard that is the first", kUnbounded);
};
struct NewEpochBased {
  using Reclaimer = xenium::reclamation::new_epoch_based<>;
  static constexpr Protects kProtects = Protects::everything;
  static constexpr VariantInfo kInfo =
      peer_info("peer/xenium/new_epoch_based", "epochs (Hart 2007)", kLibrary, "a fence a region", kUnbounded);
};

}  // namespace xenium_peers

void add_xenium_peers(AddPeer add) {
  using namespace xenium_peers;
  add_peers<XeniumScheme, EpochBased, HazardEras, HazardPointer, NewEpochBased>(add);
  constexpr std::pair<const char*, const char*> kUnfit[] = {
      {"lock_free_ref_count",
       "its counts stand in front of objects that it allocates itself, and shadow pages are the engine's"},
      {"quiescent_state_based", "a thread that has walked once cannot go offline: nothing is freed until it ends"},
      {"stamp_it", "its queue of threads (xenium 0.0.2) never came to an end in a cell's drain"}};
  for (const auto& [scheme, why] : kUnfit) add({.library = "xenium", .scheme = scheme, .absent = why}, nullptr);
}

}  // namespace shadowwalk::bench
