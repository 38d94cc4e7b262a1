#pragma once

#include "harness/lab/cell_request.hpp"

namespace shadowwalk::cli {

/// Every variant and workload that `shadowwalk cell` accepts.
KnownNames known_names();

}  // namespace shadowwalk::cli
