#include "harness/run/plan_cells.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "harness/machine/error.hpp"

namespace shadowwalk::run {
namespace {

/// The options that differ within the tables of group `name`, in the order of the option table: they belong into names.
std::vector<std::string_view> varied_options(const Matrix& matrix, const std::string& name) {
  std::vector<std::string_view> varied;
  for (const CellOption& option : cell_options()) {
    std::set<std::string> values;
    for (const Group& group : matrix.groups) {
      if (group.name != name) continue;
      const auto axis = std::find_if(group.axes.begin(), group.axes.end(),
                                     [&](const Axis& candidate) { return candidate.option == &option; });
      if (axis == group.axes.end()) {
        values.insert(option.text(CellRequest().config));
      } else {
        for (const CellConfig& value : axis->values) values.insert(option.text(value));
      }
    }
    if (values.size() > 1) varied.push_back(option.key);
  }
  return varied;
}

/// How many cells a group leaves out, and why.
using LeftOut = std::map<std::pair<std::string, std::string>, int>;

void say(const LeftOut& left_out, Expansion& expansion) {
  for (const auto& [what, cells] : left_out) {
    const auto& [group, why] = what;
    expansion.notices.push_back(
        fmt::format("group {} leaves out {} cell{}: {}", group, cells, cells == 1 ? "" : "s", why));
  }
}

/// Why a cell whose guest was decided is one that `group` has.
std::string why_copy(const PlannableCell& cell, std::string_view group) {
  return fmt::format("the guest auto is {} here, and group {} asks for this guest and is the same but for times",
                     to_string(cell.decided.guest), group);
}

/// Makes an Expansion, group by group.
class Expander {
 public:
  Expander(const Matrix& matrix, const PlanHost& host) : matrix_(matrix), host_(host) {}

  Expansion expand() {
    for (const Group& group : matrix_.groups) {
      varied_ = varied_options(matrix_, group.name);
      for_each_point(group);
    }
    say(left_out_, result_);
    if (result_.cells.empty()) {
      throw InputError(
          fmt::format("{}: no cell can be measured on this host: {}", matrix_.file, fmt::join(result_.notices, "; ")));
    }
    return std::move(result_);
  }

 private:
  /// Adds the cells of each point of the group's cross product; the last axis turns fastest.
  void for_each_point(const Group& group) {
    const std::vector<Axis>& axes = group.axes;
    const auto turns = [](const Axis& axis) { return axis.values.size() + (axis.scales.empty() ? 0 : 1); };
    std::vector<std::size_t> index(axes.size(), 0);
    while (true) {
      CellRequest request;
      const Axis* scaled = nullptr;
      bool by_group = false;
      for (std::size_t i = 0; i < axes.size(); ++i) {
        request.given.insert(axes[i].option->key);
        if (index[i] == axes[i].values.size()) {
          scaled = &axes[i];  // the values that follow those of the file
          continue;
        }
        const CellConfig& value = axes[i].values[index[i]];
        axes[i].option->copy(request.config, value);
        by_group |= axes[i].by_group.contains(axes[i].option->text(value));
      }
      add_point(group, std::move(request), scaled, by_group);
      std::size_t axis = axes.size();
      while (axis > 0 && ++index[axis - 1] == turns(axes[axis - 1])) index[--axis] = 0;
      if (axis == 0) return;
    }
  }

  void add_point(const Group& group, CellRequest request, const Axis* scaled, bool by_group) {
    const bool guest_is_decided = request.config.guest == GuestKind::automatic && host_.decide;
    CellRequest decided = request;
    if (host_.decide) {
      if (std::string notice = host_.decide(decided); !notice.empty() && said_.insert(notice).second) {
        result_.notices.push_back(std::move(notice));
      }
    }
    if (by_group && host_.why_not) {
      if (const std::string why = host_.why_not(decided); !why.empty()) {
        ++left_out_[{group.name, why}];
        return;
      }
    }
    if (guest_is_decided) {
      request.config.guest = decided.config.guest;
      request.given.insert("guest");
    }
    PlannableCell cell{.planned = {.id = 0, .group = group.name, .name = {}, .request = std::move(request)},
                       .decided = std::move(decided.config),
                       .guest_is_decided = guest_is_decided};
    if (scaled == nullptr) return add(std::move(cell));
    cell.room = room_for(cell);
    for (const unsigned vcpus : numbers_of(*scaled, cell)) {
      cell.planned.request.config.vcpus = cell.decided.vcpus = vcpus;
      add(cell);
    }
  }

  std::set<unsigned> numbers_of(const Axis& axis, const PlannableCell& cell) {
    std::set<unsigned> numbers;
    for (const VcpuScale& scale : axis.scales) {
      for (const unsigned vcpus : resolve(scale, cell.room->room, static_cast<unsigned>(axis.option->maximum))) {
        numbers.insert(vcpus);
      }
    }
    if (numbers.empty()) {
      ++left_out_[{cell.planned.group, fmt::format("there is room for {} vCPUs at most, beside {} reserved CPUs",
                                                   cell.room->room.all, cell.room->reserved)}];
    }
    return numbers;
  }

  HostRoom room_for(const PlannableCell& cell) {
    HostRoom host{.placement = cell.decided.placement, .reserved = reserved_cpus(cell.decided.zappers), .room = {}};
    if (host_.room_beside) {
      host.room = host_.room_beside(host.placement, host.reserved);
      return host;
    }
    try {
      auto found = placements_.find(host.placement);  // hwloc takes long
      if (found == placements_.end()) {
        found = placements_.emplace(host.placement, Placement::parse(host.placement)).first;
      }
      host.room = found->second.room_beside(host.reserved);
      return host;
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}: group {}: {}", matrix_.file, cell.planned.group, error.what()));
    }
  }

  void add(PlannableCell cell) {
    PlannedCell& planned = cell.planned;
    const auto [there, is_new] =
        seen_.emplace(std::pair(planned.group, command_line(planned.request)), result_.cells.size());
    if (is_new) {
      planned.name = cell_name(cell.decided, varied_);  // as the result's entry is called
      result_.cells.push_back(std::move(cell));
      return;
    }
    PlannableCell& first = result_.cells[there->second];
    if (first.guest_is_decided != cell.guest_is_decided) {
      ++left_out_[{planned.group, why_copy(cell, planned.group)}];
    }
    first.guest_is_decided &= cell.guest_is_decided;
  }

  const Matrix& matrix_;
  const PlanHost& host_;
  Expansion result_;
  std::vector<std::string_view> varied_;
  std::map<std::pair<std::string, std::vector<std::string>>, std::size_t> seen_;
  std::set<std::string> said_;
  LeftOut left_out_;
  std::map<std::string, Placement> placements_;
};

/// The options for which `counts` holds, as text. Without zappers the zap rate means nothing.
template <class Counts>
std::string text_of(CellConfig config, Counts counts) {
  if (config.zappers == 0) config.zap_rate = CellConfig().zap_rate;
  std::string text;
  for (const CellOption& option : cell_options()) {
    if (counts(option)) text += fmt::format("--{} {}\n", option.key, option.text(config));
  }
  return text;
}

bool is_time(const CellOption& option) { return option.key == "duration" || option.key == "warmup"; }
std::string times_of(const CellConfig& config) { return text_of(config, is_time); }
std::string without_times(const CellConfig& config) {
  return text_of(config, [](const CellOption& option) { return !is_time(option); });
}

}  // namespace

std::string setting_of(const CellConfig& decided) {
  return text_of(decided, [](const CellOption& option) { return !option.of_scheme; });
}

Expansion expand(const Matrix& matrix, const PlanHost& host) { return Expander(matrix, host).expand(); }

void keep_matching(Expansion& expansion, const std::string& filter) {
  const RE2 pattern(filter, RE2::Quiet);  // linear in the length of a name, whatever the expression
  if (!pattern.ok()) {
    throw InputError{fmt::format("--filter '{}' is not a regular expression: {}; quote characters like ( [ * with \\",
                                 filter.substr(0, 60), pattern.error().substr(0, 60))};
  }
  const auto full_name = [](const PlannedCell& cell) { return fmt::format("{}/{}", cell.group, cell.name); };
  const std::string example = full_name(expansion.cells.front().planned);
  std::erase_if(expansion.cells, [&](const PlannableCell& cell) {
    return !RE2::PartialMatch(cell.planned.name, pattern) && !RE2::PartialMatch(full_name(cell.planned), pattern);
  });
  if (expansion.cells.empty()) {
    throw InputError{
        fmt::format("--filter '{}' matches no cell; their names look like {}", filter.substr(0, 60), example)};
  }
}

void leave_out_copies(Expansion& expansion) {
  using Place = std::pair<std::string, std::string>;  // a group, and times
  std::map<std::string, std::set<Place>> given;       // where a cell is, without its times
  for (const PlannableCell& cell : expansion.cells) {
    if (cell.guest_is_decided) continue;
    given[without_times(cell.decided)].emplace(cell.planned.group, times_of(cell.decided));
  }
  // A setting as a whole: what is left of it would have lost whom it is compared with.
  const auto unit_of = [](const PlannableCell& cell) { return Place(cell.planned.group, setting_of(cell.decided)); };
  std::map<Place, std::set<Place>> copied;  // a group and a setting -> where all of its cells are, too
  for (const PlannableCell& cell : expansion.cells) {
    if (!cell.guest_is_decided) continue;
    const std::set<Place>& places = given[without_times(cell.decided)];
    const auto [unit, is_first] = copied.emplace(unit_of(cell), places);
    if (!is_first) std::erase_if(unit->second, [&](const Place& place) { return !places.contains(place); });
  }
  LeftOut left_out;
  std::erase_if(expansion.cells, [&](const PlannableCell& cell) {
    if (!cell.guest_is_decided) return false;
    const std::set<Place>& places = copied.at(unit_of(cell));
    if (!places.empty()) ++left_out[{cell.planned.group, why_copy(cell, places.begin()->first)}];
    return !places.empty();
  });
  say(left_out, expansion);
}

}  // namespace shadowwalk::run
