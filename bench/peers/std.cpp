#include <mutex>
#include <shared_mutex>

#include "bench/peers/peers.hpp"

namespace shadowwalk::bench {
namespace std_peers {

/// std::shared_mutex: what a C++ programmer writes first. A walker holds it shared; a zap takes it once, when the pages
/// are unlinked already, and frees them.
template <class Machine>
class StdSharedMutex {
 public:
  struct Node {};
  static constexpr VariantInfo kInfo =
      peer_info("peer/std/shared_mutex", "readers share a lock, a zap takes it for itself once",
                "the C++ standard library", "two atomic additions on one shared line", "the pages of one zap");

  explicit StdSharedMutex(Environment<Machine, Node>& environment) : environment_(environment) {}

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(StdSharedMutex& scheme, typename Machine::Vcpu&) : mutex_(scheme.mutex_) {}
    void begin() const { mutex_.lock_shared(); }
    bool end() const {
      mutex_.unlock_shared();
      return true;
    }

   private:
    std::shared_mutex& mutex_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    { const std::lock_guard every_reader_is_out(mutex_); }
    environment_.free(std::move(batch));
  }
  void drain() {}

 private:
  Environment<Machine, Node>& environment_;
  alignas(64) std::shared_mutex mutex_;
};

}  // namespace std_peers

void add_std_peers(AddPeer add) { add_peer<std_peers::StdSharedMutex>(add); }

}  // namespace shadowwalk::bench
