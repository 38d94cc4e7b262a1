#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "harness/lab/variant_engine.hpp"

/// Reclamation schemes of other people's libraries, each written as a variant of the lab's contract: so they have the
/// same tree, tests, accesses and retired pages as the lab's own variants, and only the scheme differs. They are linked
/// into shadowwalk-bench alone.
namespace shadowwalk::bench {

/// A scheme that this build can measure, or why it cannot.
struct Peer {
  std::string library;  ///< ck, libcds, std, urcu, xenium
  std::string scheme;
  std::string absent;  ///< one line; empty: it is there, and registered as variant_name()
  std::string path() const { return library + "/" + scheme; }
  /// In the registry. The slashes keep it apart from the lab's own variants, whose names have none.
  std::string variant_name() const { return "peer/" + path(); }
};

/// All peers, by library and scheme. The first call registers those that this build has; it must come before families
/// over variants are registered and before threads start.
std::span<const Peer> peers();

/// Whether a variant of the registry is a peer.
inline bool is_peer(const VariantEntry& variant) { return variant.info.name.starts_with("peer/"); }

/// Each adds the peers of one library. Where the build lacks a library, CMake generates a stand-in that gives the
/// reason.
using AddPeer = void (*)(const Peer& peer, const VariantEntry* variant);
void add_ck_peers(AddPeer add);
void add_libcds_peers(AddPeer add);
void add_std_peers(AddPeer add);
void add_urcu_bp_peer(AddPeer add);
void add_urcu_mb_peer(AddPeer add);
void add_urcu_memb_peer(AddPeer add);
void add_urcu_qsbr_peer(AddPeer add);
void add_xenium_peers(AddPeer add);

/// The index of a vCPU in its machine.
template <class Environment, class Vcpu>
std::size_t index_of(const Environment& environment, const Vcpu& vcpu) {
  const auto vcpus = environment.machine.vcpus();
  return static_cast<std::size_t>(std::ranges::find(vcpus, &vcpu) - vcpus.begin());
}

/// Part of a scheme's Node: what a library that frees one object at a time needs to free a page.
template <class Machine, class Node>
struct RetiredPage {
  VariantPage<Node>* page = nullptr;
  Environment<Machine, Node>* environment = nullptr;
  void free() const { environment->free(*page); }
};

/// A scheme's description. Peers need nothing that a process lacks.
constexpr VariantInfo peer_info(std::string_view name, std::string_view summary, std::string_view source,
                                std::string_view read_side_cost, std::string_view unreclaimed_bound) {
  return {.name = name,
          .summary = summary,
          .source = source,
          .read_side_cost = read_side_cost,
          .unreclaimed_bound = unreclaimed_bound,
          .needs = "nothing"};
}

/// The peer `Scheme`, whose kInfo.name is "peer/LIBRARY/SCHEME".
template <template <class> class Scheme>
void add_peer(AddPeer add) {
  const VariantEntry variant = variant_entry<Scheme>();
  const std::string name(variant.info.name);
  const std::size_t library = name.find('/') + 1;
  const std::size_t scheme = name.find('/', library) + 1;
  Peer peer;
  peer.library = name.substr(library, scheme - 1 - library);
  peer.scheme = name.substr(scheme);
  add(peer, &variant);
}

/// A scheme with its second parameter bound: With<Scheme, Traits>::template Of<Machine>.
template <template <class, class> class Scheme, class Traits>
struct With {
  template <class Machine>
  using Of = Scheme<Machine, Traits>;
};
/// The peers `Scheme` with each of `Traits`, in their order.
template <template <class, class> class Scheme, class... Traits>
void add_peers(AddPeer add) {
  (add_peer<With<Scheme, Traits>::template Of>(add), ...);
}

}  // namespace shadowwalk::bench
