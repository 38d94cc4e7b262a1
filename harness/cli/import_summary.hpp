#pragma once

#include <string>

#include "harness/trace/importer.hpp"
#include "harness/trace/trace_event.hpp"

namespace shadowwalk::cli {

/// What became of a recording's lines: what is in the trace, and all that is not, each with its count and why.
std::string describe_import(const trace::ImportReport& report);

/// Duration, vCPUs, gfns, and events by kind, a line each.
std::string describe_totals(const trace::TraceInfo& info);

}  // namespace shadowwalk::cli
