#include "bench/peers/peers.hpp"

#include <vector>

namespace shadowwalk::bench {
namespace {

std::vector<Peer>& found() {
  static std::vector<Peer> peers;
  return peers;
}

void add(const Peer& peer, const VariantEntry* variant) {
  found().push_back(peer);
  if (variant != nullptr) Registry::instance().add(*variant);
}

}  // namespace

std::span<const Peer> peers() {
  static const bool all_are_added = [] {
    add_ck_peers(add);
    add_libcds_peers(add);
    add_std_peers(add);
    add_urcu_bp_peer(add);
    add_urcu_mb_peer(add);
    add_urcu_memb_peer(add);
    add_urcu_qsbr_peer(add);
    add_xenium_peers(add);
    return true;
  }();
  static_cast<void>(all_are_added);
  return found();
}

}  // namespace shadowwalk::bench
