#pragma once

#include "harness/run/cell_options.hpp"

namespace shadowwalk::cli {

/// Every variant and workload that `shadowwalk cell` accepts.
run::KnownNames known_names();

}  // namespace shadowwalk::cli
