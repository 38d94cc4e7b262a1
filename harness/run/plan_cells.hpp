#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/run/plan.hpp"

/// From the groups of a matrix to the cells of a plan. All functions but expand() are pure.
namespace shadowwalk::run {

/// A cell of a plan in the making.
struct PlannableCell {
  PlannedCell planned;                ///< without its number
  CellConfig decided;                 ///< what it asks for, after what the host decides: what cells are compared by
  bool guest_is_decided = false;      ///< and not given
  std::optional<HostRoom> room = {};  ///< if the host decided the number of vCPUs
};

struct Expansion {
  std::vector<PlannableCell> cells;
  std::vector<std::string> notices;  ///< a line each
};

/// The cross products of the groups, each cell once per group. Numbers of vCPUs and guests are those of this host;
/// cells of variants that only a group of variants names are left out where they cannot be measured. Throws InputError:
/// a placement that is none of this host's, or no cell.
Expansion expand(const Matrix& matrix, const PlanHost& host);

/// Keeps the cells whose name, or `group/name`, the regular expression finds. Throws InputError if it is none, or finds
/// nothing.
void keep_matching(Expansion& expansion, const std::string& filter);

/// Leaves out the cells of a group that only the decision for a guest made a copy: where for all of the group's cells
/// in one setting, whose guest was decided, there are others in one setting of one group, whose guest was given, and
/// which are the same but for their times.
void leave_out_copies(Expansion& expansion);

/// All options but the scheme's, as text.
std::string setting_of(const CellConfig& decided);

}  // namespace shadowwalk::run
