#include "harness/timeline/ipi_pairs.hpp"

#include <algorithm>
#include <map>

namespace shadowwalk::timeline {
namespace {

struct Ack {
  std::uint64_t number = 0;
  std::uint64_t ticks = 0;
};

/// The acknowledgements of one thread, by number.
std::vector<Ack> acks_in(const std::vector<Record>& records) {
  std::vector<Ack> acks;
  for (const Record& record : records) {
    if (record.probe == Probe::ipi__ack) acks.push_back({record.a, record.ticks});
  }
  std::ranges::sort(acks, {}, &Ack::number);
  return acks;
}

}  // namespace

std::vector<IpiPair> pair_ipis(std::span<const std::unique_ptr<Track>> tracks,
                               const std::vector<std::vector<Record>>& records) {
  std::map<std::uint64_t, std::size_t> track_of;  // by tid
  std::vector<std::vector<Ack>> acks;
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    track_of[static_cast<std::uint64_t>(tracks[i]->tid)] = i;
    acks.push_back(acks_in(records[i]));
  }
  std::vector<IpiPair> pairs;
  for (std::size_t sender = 0; sender < tracks.size(); ++sender) {
    for (const Record& record : records[sender]) {
      if (record.probe != Probe::ipi__send) continue;
      const auto target = track_of.find(record.a);
      if (target == track_of.end()) continue;
      const std::vector<Ack>& candidates = acks[target->second];
      // The first that answers this number; where older ones were dropped, the first that is kept may answer others.
      const auto ack = std::ranges::lower_bound(candidates, record.b, {}, &Ack::number);
      if (ack == candidates.end() || ack->ticks < record.ticks) continue;
      if (ack == candidates.begin() && tracks[target->second]->seldom.has_dropped()) continue;
      pairs.push_back({sender, record.ticks, target->second, ack->ticks});
    }
  }
  return pairs;
}

}  // namespace shadowwalk::timeline
