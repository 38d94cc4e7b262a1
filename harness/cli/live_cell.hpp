#pragma once

#include <optional>

#include "harness/attach/live/registration.hpp"
#include "harness/cli/hold.hpp"
#include "harness/lab/cell_config.hpp"

namespace shadowwalk::cli {

/// A cell as others find it: listed for `shadowwalk ps`, and held if that is asked for.
class LiveCell {
 public:
  /// Before the cell starts threads; `config` outlives this. Lists nothing yet: a cell may still be refused.
  LiveCell(const CellConfig& config, bool hold);

  /// For CellConfig::on_ready. The one moment at which the entry is written: nothing is measured yet, and the phases to
  /// come are told by their times.
  void on_ready();

 private:
  const CellConfig& config_;
  live::Entry entry_;
  std::optional<Hold> hold_;
  std::optional<live::Registration> registration_;
};

/// The one line that says why `ps` will not show this process.
void warn_unlisted(const std::string& why);

}  // namespace shadowwalk::cli
