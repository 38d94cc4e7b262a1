#include "harness/lab/floor_engine.hpp"

#include <array>
#include <atomic>
#include <mutex>

#include "harness/machine/check.hpp"
#include "harness/machine/error.hpp"
#include "harness/mmu/page_pool.hpp"

namespace shadowwalk {

const VariantInfo kFloorInfo{
    .name = "floor",
    .family = Family::control,
    .summary = "a plain page-table walk without an engine: what `leak` is held against; no zappers",
    .source = "this lab",
    .read_side_cost = "none",
    .unreclaimed_bound = "nothing is ever unlinked",
    .needs = "--zappers 0"};

namespace {

using Geo = MeasuredGeometry;

/// Four levels of 512 entries that hold pointers to the next level; leaves as the MMU writes them.
class PlainTree {
 public:
  using Entry = std::atomic<std::uint64_t>;
  using Table = std::array<Entry, Geo::kEntries>;

  PlainTree() : memory_(kMaxTables * sizeof(Table)), root_(new_table()) {}

  /// What a walk finds: kAbsent where a level is missing.
  [[gnu::always_inline]] SpteWord leaf(Gfn gfn) const { return leaf_below<Geo::kLevels>(*root_, gfn); }

  void map(Gfn gfn, LeafKind kind) {
    const std::lock_guard lock(mutex_);
    Table* table = root_;
    for (int level = Geo::kLevels; level > 1; --level) {
      Entry& slot = (*table)[Geo::index(gfn, level)];
      std::uint64_t entry = slot.load(std::memory_order_relaxed);
      if ((entry & kSptePresent) == 0) {
        entry = reinterpret_cast<std::uint64_t>(new_table()) | kSptePresent;
        slot.store(entry, std::memory_order_release);  // pairs with the walker's acquire: it sees the table's zeros
      }
      table = reinterpret_cast<Table*>(entry & kSpteAddress);
    }
    const SpteWord leaf = kind == LeafKind::mmio ? spte::mmio(gfn) : spte::ram(gfn, kind == LeafKind::ram_write);
    (*table)[Geo::index(gfn, 1)].store(leaf, std::memory_order_relaxed);
  }

 private:
  template <int kLevel>
  [[gnu::always_inline]] static SpteWord leaf_below(const Table& table, Gfn gfn) {
    // acquire pairs with the release in map(), as the engine's walkers pair with theirs.
    const std::uint64_t entry = table[Geo::index(gfn, kLevel)].load(std::memory_order_acquire);
    if constexpr (kLevel == 1) {
      return entry;
    } else {
      if ((entry & kSptePresent) == 0) return spte::kAbsent;
      return leaf_below<kLevel - 1>(*reinterpret_cast<const Table*>(entry & kSpteAddress), gfn);
    }
  }

  static constexpr std::size_t kMaxTables = std::size_t{1} << 20;

  Table* new_table() {
    if (tables_ == kMaxTables) throw CellError("floor: the working set needs more than 2^20 tables");
    return new (static_cast<Table*>(memory_.base()) + tables_++) Table();
  }

  Reservation memory_;
  std::mutex mutex_;
  std::size_t tables_ = 0;
  Table* const root_;
};

class FloorVcpu final : public EngineVcpu {
 public:
  using Clock = CycleClock;

  explicit FloorVcpu(PlainTree& tree) : tree_(tree) {}
  void walk(std::span<const Access> accesses, WalkRecord& record) override { walk_burst(*this, accesses, record); }
  void empty_sections(std::size_t) override {}
  void offline() override {}
  void online() override {}
  void reload_root() override {}
  WalkCounts counts() const override { return {}; }
  std::string_view first_violation() const override { return {}; }

  [[gnu::always_inline]] bool served(Access access) {
    SpteWord leaf;
    return served_after(access, 0, leaf);
  }
  [[gnu::always_inline]] bool served_after(Access access, std::uint64_t zero, SpteWord& leaf) {
    const Gfn gfn = access.gfn() + zero;
    leaf = tree_.leaf(gfn);
    return leaf_serves(leaf, gfn, leaf_kind(access.kind()));
  }
  bool fault(Access access) {
    tree_.map(access.gfn(), leaf_kind(access.kind()));
    return true;
  }

 private:
  PlainTree& tree_;
};

class FloorEngine final : public Engine {
 public:
  explicit FloorEngine(const Window& window) : footprint_(window, CycleClock::to_whole_ns) {}
  std::unique_ptr<EngineVcpu> attach_vcpu(unsigned) override { return std::make_unique<FloorVcpu>(tree_); }
  Zapped act(const HostAction&) override { invariant_failed("the floor cannot zap", __FILE__, __LINE__); }
  Zapped act(const ReplayAction&) override { invariant_failed("the floor cannot zap", __FILE__, __LINE__); }
  void stop_waiting() override {}
  void drain() override {}
  MmuRecords records() const override {
    return {.host_actions = no_actions_,
            .zap_times = no_zaps_,
            .lock_wait_ns = nothing_,
            .lock_hold_ns = nothing_,
            .footprint = footprint_};
  }

 private:
  PlainTree tree_;
  const Footprint footprint_;
  const Histogram nothing_;
  const ZapTimes no_zaps_;
  const HostActionCounts no_actions_;
};

}  // namespace

std::unique_ptr<Engine> make_floor_engine(const Window& window) { return std::make_unique<FloorEngine>(window); }

}  // namespace shadowwalk
