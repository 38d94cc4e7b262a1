#include "workloads/workload_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "harness/text/duration.hpp"
#include "harness/text/suggestion.hpp"
#include "harness/text/text_file.hpp"
#include "harness/text/toml_reader.hpp"

namespace shadowwalk {
namespace {

constexpr std::int64_t kMostPages = std::int64_t{1} << 36;  // the window
constexpr std::int64_t kMostWeight = 10'000;
constexpr std::int64_t kMostAccesses = std::int64_t{1} << 60;

template <class Value, std::size_t count>
using EnumNames = std::array<std::pair<const char*, Value>, count>;

constexpr EnumNames<Locality, 5> kLocalities{{{"uniform", Locality::uniform},
                                              {"stride", Locality::stride},
                                              {"zipf", Locality::zipf},
                                              {"growth", Locality::growth},
                                              {"churn", Locality::churn}}};
/// Names become part of file names, result names and filters.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == name.npos;
}

/// Turns one TOML document into a Workload.
class WorkloadReader {
 public:
  explicit WorkloadReader(const std::string& file) : reader_(file) {}

  Workload read(std::string_view text) const {
    const toml::table document = reader_.parse(text);
    Workload workload;
    workload.text = text;
    read_table(
        document,
        {
            {"name", [&](const auto& key, const auto& node) { workload.name = reader_.text(key, node); }},
            {"summary", [&](const auto& key, const auto& node) { workload.summary = reader_.text(key, node); }},
            {"stresses", [&](const auto& key, const auto& node) { workload.stresses = reader_.text(key, node); }},
            {"working_set", whole(workload.working_set, 1, kMostPages)},
            {"guest", [&](const auto& key, const auto& node) { read_guest(reader_.table(key, node), workload); }},
            {"host", [&](const auto& key, const auto& node) { read_host(reader_.table(key, node), workload); }},
        });
    if (!is_name(workload.name)) {
      reader_.fail(document.source(),
                   "a workload needs a name of 1 to 64 small letters, digits and '-'; add name = \"...\"");
    }
    if (workload.phases.empty()) {
      reader_.fail(document.source(), "the guest does nothing; add [guest] with a [[guest.phase]]");
    }
    return workload;
  }

 private:
  using Take = std::function<void(const toml::key&, const toml::node&)>;
  using Keys = std::vector<std::pair<std::string, Take>>;

  /// Hands each key of `table` to its reader; refuses unknown keys.
  void read_table(const toml::table& table, const Keys& keys) const {
    for (const auto& [key, node] : table) {
      const std::string_view name = key.str();
      const auto found = std::find_if(keys.begin(), keys.end(), [&](const auto& known) { return known.first == name; });
      if (found == keys.end()) {
        if (name == "must_cause") {
          reader_.fail(key.source(), "the key 'must_cause' is called 'requires_events' now; rename it");
        }
        std::vector<std::string> known;
        for (const auto& entry : keys) known.push_back(entry.first);
        reader_.unknown("key", key, known);
      }
      found->second(key, node);
    }
  }

  template <class Number>
  Take whole(Number& target, std::int64_t least, std::int64_t most) const {
    return [this, &target, least, most](const toml::key& key, const toml::node& node) {
      target = static_cast<Number>(reader_.integer(key, node, least, most));
    };
  }
  Take words(std::string& target) const {
    return [this, &target](const toml::key& key, const toml::node& node) { target = reader_.text(key, node); };
  }
  Take percent(double& target, double above) const {
    return [this, &target, above](const toml::key& key, const toml::node& node) {
      target = reader_.number(key, node, above, 100);
    };
  }
  Take duration(std::chrono::microseconds& target, std::chrono::microseconds most) const {
    return [this, &target, most](const toml::key& key, const toml::node& node) {
      const auto time = parse_duration(reader_.text(key, node));
      if (!time || *time > most) {
        reader_.fail(node.source(), fmt::format("'{}' must be a time of at most {} ms, such as \"500us\" or \"10ms\"",
                                                key.str(), most.count() / 1000));
      }
      target = std::chrono::duration_cast<std::chrono::microseconds>(*time);
    };
  }
  template <class Value, class Names>
  Take one_of(Value& target, const Names& names) const {
    return [this, &target, names](const toml::key& key, const toml::node& node) {
      const std::string word = reader_.text(key, node);
      std::vector<std::string> known;
      for (const auto& [name, value] : names) {
        if (word == name) {
          target = value;
          return;
        }
        known.emplace_back(name);
      }
      reader_.fail(node.source(), fmt::format("'{}' is '{}'{} known: {}", key.str(), word, suggestion(word, known),
                                              fmt::join(known, " ")));
    };
  }

  std::vector<std::string> strings(const toml::key& key, const toml::node& node) const {
    std::vector<std::string> result;
    const toml::array* list = node.as_array();
    if (list == nullptr) reader_.fail(node.source(), fmt::format("'{}' must be a list of strings", key.str()));
    for (const toml::node& element : *list) result.push_back(reader_.text(key, element));
    return result;
  }

  void read_guest(const toml::table& table, Workload& workload) const {
    using namespace std::chrono_literals;
    read_table(table,
               {
                   {"does", words(workload.guest_part)},
                   {"requires_events",
                    [&](const auto& key, const auto& node) { workload.guest_requires_events = strings(key, node); }},
                   {"zipf_skew",
                    [&](const auto& key, const auto& node) { workload.zipf_skew = reader_.number(key, node, 0, 4); }},
                   {"active_vcpus", whole(workload.active_vcpus, 1, 1024)},
                   {"idle", duration(workload.idle, 1000ms)},
                   {"vcpus_per_cpu", whole(workload.vcpus_per_cpu, 1, 64)},
                   {"stall_every", duration(workload.stall.every, 60'000ms)},
                   {"stall", duration(workload.stall.time, 10'000ms)},
                   {"phase",
                    [&](const auto& key, const auto& node) {
                      for (const toml::node& phase : reader_.tables(key, node)) {
                        workload.phases.push_back(read_phase(*phase.as_table()));
                      }
                      if (workload.phases.size() > GuestParams::kMaxPhases) {
                        reader_.fail(node.source(), fmt::format("{} phases; a guest has at most {}",
                                                                workload.phases.size(), GuestParams::kMaxPhases));
                      }
                    }},
               });
    if ((workload.stall.every.count() == 0) != (workload.stall.time.count() == 0)) {
      reader_.fail(table.source(), "'stall' and 'stall_every' go together: how long, and how often");
    }
    if ((workload.active_vcpus == 0) != (workload.idle.count() == 0)) {
      reader_.fail(table.source(), "'active_vcpus' and 'idle' go together: how many, and how long the others halt");
    }
  }

  PhaseShape read_phase(const toml::table& table) const {
    using namespace std::chrono_literals;
    PhaseShape phase;
    read_table(table, {
                          {"accesses", whole(phase.accesses, 1, kMostAccesses)},
                          {"idle", duration(phase.idle, 1000ms)},
                          {"stream",
                           [&](const auto& key, const auto& node) {
                             for (const toml::node& stream : reader_.tables(key, node)) {
                               phase.streams.push_back(read_stream(*stream.as_table()));
                             }
                           }},
                      });
    if (phase.streams.empty() || phase.streams.size() > AccessPhase::kMaxStreams) {
      reader_.fail(table.source(),
                   fmt::format("a phase has 1 to {} streams: add [[guest.phase.stream]]", AccessPhase::kMaxStreams));
    }
    return phase;
  }

  StreamShape read_stream(const toml::table& table) const {
    StreamShape shape;
    AccessStream& stream = shape.stream;
    read_table(table, {
                          {"weight", whole(stream.weight, 1, kMostWeight)},
                          {"locality", one_of(stream.locality, kLocalities)},
                          {"write_percent", whole(stream.write_percent, 0, 100)},
                          {"mmio_percent", whole(stream.mmio_percent, 0, 100)},
                          {"first_percent", percent(shape.first_percent, -1)},
                          {"pages_percent", percent(shape.pages_percent, 0)},
                          {"stride", whole(stream.stride, 1, kMostPages)},
                          {"first_touch_one_in", whole(stream.first_touch_one_in, 1, 1'000'000)},
                          {"processes", whole(stream.processes, 1, 1024)},
                          {"touches", whole(stream.touches, 1, kMostAccesses)},
                      });
    if (shape.first_percent < 0 || shape.first_percent + shape.pages_percent > 100) {
      reader_.fail(table.source(), "'first_percent' and 'pages_percent' must lie within 0 to 100, together too");
    }
    return shape;
  }

  void read_host(const toml::table& table, Workload& workload) const {
    read_table(table,
               {
                   {"does", words(workload.host_part)},
                   {"requires_events",
                    [&](const auto& key, const auto& node) { workload.host_requires_events = strings(key, node); }},
                   {"quota_percent", whole(workload.quota_percent, 1, 100)},
                   {"action",
                    [&](const auto& key, const auto& node) {
                      for (const toml::node& action : reader_.tables(key, node)) {
                        workload.host.push_back(read_action(*action.as_table()));
                      }
                    }},
               });
  }

  HostAction read_action(const toml::table& table) const {
    std::vector<std::pair<std::string_view, HostAction::Kind>> kinds;
    for (const HostActionInfo& row : host_action_infos()) kinds.emplace_back(row.name, row.kind);
    HostAction action;
    bool named = false;
    read_table(table, {
                          {"kind",
                           [&](const auto& key, const auto& node) {
                             one_of(action.kind, kinds)(key, node);
                             named = true;
                           }},
                          {"weight", whole(action.weight, 1, kMostWeight)},
                          {"level", whole(action.level, 1, 3)},
                          {"pages", whole(action.pages, 1, kMostPages)},
                      });
    if (!named) reader_.fail(table.source(), "this [[host.action]] has no kind; add kind = \"zap-oldest\" or another");
    const bool takes_pages = info(action).takes_pages;
    if (takes_pages != (action.pages != 0)) {
      reader_.fail(table.source(),
                   takes_pages ? "this action needs 'pages': how many at a beat" : "this action takes no 'pages'");
    }
    return action;
  }

  const TomlReader reader_;
};

}  // namespace

Workload parse_workload(std::string_view text, const std::string& file) { return WorkloadReader(file).read(text); }

Workload read_workload(const std::filesystem::path& file) {
  return parse_workload(read_text_file(file, "workload"), file.string());
}

}  // namespace shadowwalk
