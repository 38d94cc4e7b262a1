#include "harness/timeline/chrome_trace.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <tuple>
#include <vector>

#include "harness/machine/cycle_clock.hpp"
#include "harness/timeline/spans.hpp"

namespace shadowwalk::timeline {
namespace {

#define SHADOWWALK_PROBE_NAME(name) #name,
constexpr std::array<std::string_view, kProbes> kProbeNames = {SHADOWWALK_FOR_EACH_PROBE(SHADOWWALK_PROBE_NAME)};
#undef SHADOWWALK_PROBE_NAME

/// One event of a track, complete except for its time.
struct Line {
  std::uint64_t at = 0;  ///< ns
  std::string text;
};

/// The order of threads from top to bottom: main, then numbered threads by role and number.
std::tuple<int, std::string, int> place_of(const std::string& name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string::npos) return {0, name, 0};
  const std::string role = name.substr(0, dash);
  return {role == "vcpu" ? 1 : role == "zapper" ? 2 : 3, role, std::atoi(name.c_str() + dash + 1)};
}

class Writer {
 public:
  explicit Writer(const Recorder& recorder) : recorder_(recorder), pid_(getpid()) {
    for (const auto& track : recorder.tracks()) {
      std::vector<Record> all = track->often.in_order();
      const std::vector<Record> seldom = track->seldom.in_order();
      const auto middle = static_cast<std::ptrdiff_t>(all.size());
      all.insert(all.end(), seldom.begin(), seldom.end());
      std::inplace_merge(all.begin(), all.begin() + middle, all.end(),
                         [](const Record& one, const Record& other) { return one.ticks < other.ticks; });
      if (!all.empty()) begin_ = std::min(begin_, all.front().ticks);
      if (!all.empty()) end_ = std::max(end_, all.back().ticks + all.back().c);
      records_.push_back(std::move(all));
    }
  }

  std::string write(const std::string& name, const nlohmann::json& other_data) {
    text_ = fmt::format("{{\"displayTimeUnit\":\"ns\",\n\"otherData\":{},\n\"traceEvents\":[\n", other_data.dump());
    write_names(name);
    const std::vector<IpiPair> ipis = pair_ipis(recorder_.tracks(), records_);
    for (std::size_t i = 0; i < records_.size(); ++i) write_track(i, ipis);
    for (const Level& level : unreclaimed_pages(recorder_.tracks(), records_)) {
      event(fmt::format(R"("ph":"C","name":"unreclaimed pages","ts":{},"args":{{"pages":{}}})", us(ns(level.at)),
                        level.pages));
    }
    text_ += "\n]}\n";
    return std::move(text_);
  }

 private:
  std::uint64_t ns(std::uint64_t ticks) const { return CycleClock::to_whole_ns(ticks - std::min(ticks, begin_)); }
  static std::string us(std::uint64_t ns) { return fmt::format("{}.{:03}", ns / 1000, ns % 1000); }

  void event(std::string_view members) {
    fmt::format_to(std::back_inserter(text_), "{}{{\"pid\":{},{}}}", first_ ? "" : ",\n", pid_, members);
    first_ = false;
  }

  void write_names(const std::string& name) {
    event(fmt::format(R"("ph":"M","name":"process_name","args":{{"name":{}}})", nlohmann::json(name).dump()));
    std::vector<const Track*> tracks;
    for (const auto& track : recorder_.tracks()) tracks.push_back(track.get());
    std::ranges::stable_sort(tracks, {}, [](const Track* track) { return place_of(track->name); });
    for (std::size_t i = 0; i < tracks.size(); ++i) {
      event(fmt::format(R"("tid":{},"ph":"M","name":"thread_name","args":{{"name":{}}})", tracks[i]->tid,
                        nlohmann::json(tracks[i]->name).dump()));
      event(
          fmt::format(R"("tid":{},"ph":"M","name":"thread_sort_index","args":{{"sort_index":{}}})", tracks[i]->tid, i));
    }
  }

  void write_track(std::size_t index, const std::vector<IpiPair>& ipis) {
    const Track& track = *recorder_.tracks()[index];
    const Activity activity = activity_of(records_[index], end_);
    std::vector<Line> lines;
    for (const Span& span : activity.spans) {
      const std::uint64_t start = ns(span.start);
      lines.push_back({start, fmt::format(R"("ph":"X","name":"{}","dur":{},"args":{{{}}})", span.name,
                                          us(ns(span.end) - start), span.args)});
    }
    for (const Moment& moment : activity.moments) {
      lines.push_back(
          {ns(moment.at), fmt::format(R"("ph":"i","s":"t","name":"{}","args":{{{}}})", moment.name, moment.args)});
    }
    // After the spans that begin at the same time: an arrow binds to the open span.
    for (std::size_t i = 0; i < ipis.size(); ++i) {
      if (ipis[i].sender == index) {
        lines.push_back({ns(ipis[i].sent), fmt::format(R"("ph":"s","cat":"ipi","name":"IPI","id":{})", i)});
      }
      if (ipis[i].target == index) {
        lines.push_back(
            {ns(ipis[i].acknowledged), fmt::format(R"("ph":"f","bp":"e","cat":"ipi","name":"IPI","id":{})", i)});
      }
    }
    report_dropped(track.often, "exits, faults and stalls", lines);
    report_dropped(track.seldom, "zaps, commits, frees and IPIs", lines);
    std::ranges::stable_sort(lines, {}, &Line::at);
    for (const Line& line : lines) event(fmt::format(R"("tid":{},"ts":{},{})", track.tid, us(line.at), line.text));
  }

  void report_dropped(const Ring& ring, const char* what, std::vector<Line>& lines) const {
    if (!ring.has_dropped()) return;
    lines.push_back({ns(ring.in_order().front().ticks),
                     fmt::format(R"("ph":"i","s":"t","name":"before this, {} were dropped","args":{{}})", what)});
  }

  const Recorder& recorder_;
  const pid_t pid_;
  std::vector<std::vector<Record>> records_;                         ///< a track's, in order of time
  std::uint64_t begin_ = std::numeric_limits<std::uint64_t>::max();  ///< the first record, in ticks: time 0
  std::uint64_t end_ = 0;                                            ///< the last
  std::string text_;
  bool first_ = true;
};

}  // namespace

std::map<std::string, std::uint64_t> dropped_by_probe(const Recorder& recorder) {
  std::map<std::string, std::uint64_t> dropped;
  for (const auto& track : recorder.tracks()) {
    for (std::size_t i = 0; i < kProbes; ++i) {
      const auto probe = static_cast<Probe>(i);
      const std::uint64_t count = track->often.dropped(probe) + track->seldom.dropped(probe);
      if (count != 0) dropped[std::string(kProbeNames[i])] += count;
    }
  }
  return dropped;
}

std::string to_chrome_trace(const Recorder& recorder, const std::string& name,
                            const std::map<std::string, std::string>& about) {
  nlohmann::json other_data = about;
  other_data["clock"] = CycleClock::describe();
  other_data["records_a_ring"] = recorder.records();
  other_data["bytes_a_thread"] = recorder.bytes_per_thread();
  other_data["dropped"] = dropped_by_probe(recorder);
  return Writer(recorder).write(name, other_data);
}

}  // namespace shadowwalk::timeline
