#include "harness/run/matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/replay/trace_guest.hpp"
#include "harness/text/suggestion.hpp"
#include "harness/text/text_file.hpp"
#include "harness/text/toml_reader.hpp"

namespace shadowwalk::run {
namespace {

/// Group names stand in file names, progress lines and filters.
bool is_group_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

/// Turns one parsed TOML document into a Matrix; every complaint carries its position.
class MatrixReader {
 public:
  MatrixReader(const std::string& file, const KnownNames& known) : reader_{file}, known_{known} {
    for (const auto& [word, variants] : known.variant_groups) known_.variants.push_back(word);  // for suggestions
  }

  Matrix read(std::string_view text) const {
    const toml::table document = reader_.parse(text);
    Matrix matrix;
    matrix.file = reader_.file();
    const toml::table* defaults = nullptr;
    const toml::array* groups = nullptr;
    for (const auto& [key, node] : document) {
      if (key == "title") {
        matrix.title = reader_.text(key, node);
      } else if (key == "seed") {
        matrix.seed = static_cast<std::uint64_t>(reader_.integer(key, node, 0, INT64_MAX));
      } else if (key == "repetitions") {
        matrix.repetitions = static_cast<int>(reader_.integer(key, node, 1, kMaxRepetitions));
      } else if (key == "defaults") {
        defaults = &reader_.table(key, node);
      } else if (key == "group") {
        groups = &reader_.tables(key, node);
      } else {
        static const std::vector<std::string> known_keys = {"title", "seed", "repetitions", "defaults", "group"};
        reader_.fail(key.source(),
                     fmt::format("unknown key '{}'{} known at the top: title seed repetitions [defaults] [[group]]",
                                 key.str(), suggestion(key.str(), known_keys)));
      }
    }
    if (groups == nullptr || groups->empty()) {
      reader_.fail(document.source(), "no [[group]] table: add one with a name, a variant and a workload");
    }
    const std::vector<Axis> common = defaults == nullptr ? std::vector<Axis>{} : read_defaults(*defaults);
    refuse_many("group", *groups);
    std::uint64_t cells = 0;
    for (const toml::node& node : *groups) matrix.groups.push_back(read_group(*node.as_table(), common, cells));
    if (cells * static_cast<std::uint64_t>(matrix.repetitions) > kMaxMeasurements) {
      reader_.fail(document.source(),
                   fmt::format("{} cells x {} repetitions are more than the limit of {}; take values out", cells,
                               matrix.repetitions, kMaxMeasurements));
    }
    return matrix;
  }

 private:
  const CellOption& option(const toml::key& key) const {
    if (const CellOption* found = find_cell_option(key.str())) return *found;
    std::vector<std::string> keys;
    for (const CellOption& row : cell_options()) keys.emplace_back(row.key);
    reader_.fail(key.source(), fmt::format("unknown option '{}'{} keys are the options of `shadowwalk cell`", key.str(),
                                           suggestion(key.str(), keys)));
  }

  /// Before each entry is compared with all others.
  void refuse_many(std::string_view key, const toml::array& list) const {
    constexpr std::size_t kMost = 1000;
    if (list.size() <= kMost) return;
    reader_.fail(list.source(), fmt::format("'{}' has {} entries; at most {} are taken", key, list.size(), kMost));
  }

  /// Adds what one value stands for to the axis, and returns the value as text: a list may hold it once.
  std::string add_value(Axis& axis, const toml::node& node) const {
    const CellOption& option = *axis.option;
    const auto number = node.value_exact<std::int64_t>();
    const auto text = node.is_string() ? std::optional(reader_.text(option.key, node)) : std::nullopt;
    if (text && (add_scale(axis, *text) || add_variants(axis, *text))) return *text;
    CellRequest request;
    std::optional<std::string> wrong;
    if (option.kind == CellOption::Kind::number && number) {
      wrong = give(request, option, *number);
    } else if (option.kind == CellOption::Kind::number &&
               !(text && option.read && option.read(request.config, *text))) {
      wrong =
          wrong_type(option, node, "a whole number" + (is_vcpus(option) ? fmt::format(", {}", kVcpuScaleChoices) : ""));
    } else if (option.kind == CellOption::Kind::time && number == 0) {
      wrong = give(request, option, 0);
    } else if (!text) {
      const bool is_time = option.kind == CellOption::Kind::time;
      wrong = wrong_type(option, node, is_time ? "a string with its unit, such as \"500ms\"" : "a string");
    } else {
      wrong = give(request, option, resolved(option, *text), &known_);
    }
    if (wrong) reader_.fail(node.source(), *wrong);
    std::string value = option.text(request.config);
    if (axis.by_group.erase(value) == 0) axis.values.push_back(std::move(request.config));
    return value;
  }

  static bool is_vcpus(const CellOption& option) { return option.key == "vcpus"; }

  /// False: the text is no scale of vCPUs.
  static bool add_scale(Axis& axis, std::string_view text) {
    if (!is_vcpus(*axis.option)) return false;
    auto scale = parse_vcpu_scale(text, static_cast<unsigned>(axis.option->maximum));
    if (scale) axis.scales.push_back(std::move(*scale));
    return scale.has_value();
  }

  /// Adds the variants of a group that the axis lacks; false: the text names no group. A variant of the same name goes
  /// first.
  bool add_variants(Axis& axis, const std::string& text) const {
    if (axis.option->kind != CellOption::Kind::variant) return false;
    const auto group = known_.variant_groups.find(text);
    if (group == known_.variant_groups.end()) return false;
    for (const std::string& variant : group->second) {
      const bool is_there = std::ranges::any_of(
          axis.values, [&](const CellConfig& value) { return axis.option->text(value) == variant; });
      if (is_there) continue;
      CellRequest request;
      give(request, *axis.option, variant);
      axis.values.push_back(std::move(request.config));
      axis.by_group.insert(variant);
    }
    return true;
  }

  static std::string wrong_type(const CellOption& option, const toml::node& node, std::string_view wanted) {
    return fmt::format("'{}' is {}; it must be {}", option.key, TomlReader::type_name(node), wanted);
  }

  /// A file as the cells' processes find it, wherever they run: relative to the folder of the matrix.
  std::string resolved(const CellOption& option, const std::string& text) const {
    const auto folder = std::filesystem::absolute(reader_.file()).parent_path();
    const auto in_folder = [&](std::string_view file) { return (folder / file).lexically_normal().string(); };
    if (option.key == "kernel") return is_file_or_trace(text) ? in_folder(text) : text;
    if (option.kind != CellOption::Kind::workload || !is_file_or_trace(text)) return text;
    const auto trace = replay::trace_file(text);
    return trace ? "trace:" + in_folder(*trace) : in_folder(text);
  }

  std::vector<Axis> read_defaults(const toml::table& table) const {
    std::vector<Axis> axes;
    for (const auto& [key, node] : table) {
      const CellOption& row = option(key);
      if (node.is_array()) {
        reader_.fail(node.source(),
                     fmt::format("'{}' is a list; a default has one value, lists belong into a [[group]]", row.key));
      }
      add_value(axes.emplace_back(Axis{.option = &row}), node);
    }
    return axes;
  }

  Axis read_axis(const CellOption& row, const toml::node& node) const {
    Axis axis{.option = &row};
    const toml::array* list = node.as_array();
    if (list == nullptr) {
      add_value(axis, node);
      return axis;
    }
    refuse_many(row.key, *list);
    if (list->empty())
      reader_.fail(node.source(), fmt::format("'{}' is an empty list; give it a value or leave it out", row.key));
    std::set<std::string> seen;
    for (const toml::node& element : *list) {
      if (const std::string text = add_value(axis, element); !seen.insert(text).second) {
        reader_.fail(element.source(), fmt::format("'{}' holds {} twice; take one out", row.key, text));
      }
    }
    return axis;
  }

  /// Adds the size of this group to `cells`.
  Group read_group(const toml::table& table, const std::vector<Axis>& defaults, std::uint64_t& cells) const {
    Group group;
    std::vector<Axis> axes = defaults;
    for (const auto& [key, node] : table) {
      if (key == "name") {
        group.name = reader_.text(key, node);
        if (!is_group_name(group.name)) {
          reader_.fail(node.source(), "the name of a group must be 1 to 64 letters, digits, '.', '_' or '-'");
        }
        continue;
      }
      Axis axis = read_axis(option(key), node);
      std::erase_if(axes, [&](const Axis& other) { return other.option == axis.option; });
      axes.push_back(std::move(axis));
    }
    if (group.name.empty()) reader_.fail(table.source(), "this [[group]] has no name; add name = \"...\"");

    std::uint64_t size = 1;
    for (const CellOption& row : cell_options()) {  // the table's order, whatever the file's
      const auto found = std::find_if(axes.begin(), axes.end(), [&](const Axis& axis) { return axis.option == &row; });
      if (found == axes.end()) {
        if (row.required()) {
          reader_.fail(table.source(), fmt::format("group '{}' has no {}; add {} = \"...\" to it or to [defaults]",
                                                   group.name, row.key, row.key));
        }
        continue;
      }
      size *= found->size();  // cannot overflow: both factors are bounded
      if (size > kMaxMeasurements) {
        reader_.fail(table.source(), fmt::format("group '{}' makes more than {} cells; take values out of its lists",
                                                 group.name, kMaxMeasurements));
      }
      group.axes.push_back(std::move(*found));
    }
    cells += size;
    return group;
  }

  const TomlReader reader_;
  KnownNames known_;
};

}  // namespace

std::size_t Axis::size() const {
  std::size_t size = values.size();
  for (const VcpuScale& scale : scales) size += scale.entries.size();
  return size;
}

Matrix parse_matrix(std::string_view text, const std::string& file, const KnownNames& known) {
  Matrix matrix = MatrixReader(file, known).read(text);
  matrix.text = text;
  return matrix;
}

Matrix read_matrix(const std::filesystem::path& file, const KnownNames& known) {
  return parse_matrix(read_text_file(file, "matrix"), file.string(), known);
}

void set_for_all(Matrix& matrix, const CellOption& option, const CellConfig& value) {
  for (Group& group : matrix.groups) {
    std::erase_if(group.axes, [&](const Axis& axis) { return axis.option == &option; });
    const auto place = std::ranges::find_if(group.axes, [&](const Axis& axis) { return axis.option > &option; });
    group.axes.insert(place, Axis{.option = &option, .values = {value}});
  }
}

}  // namespace shadowwalk::run
