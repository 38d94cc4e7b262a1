#pragma once

#include <string_view>

namespace shadowwalk::trace {

/// A format that the importer does not read, and how to get one that it does.
struct UnreadFormat {
  std::string_view name;    ///< "gzip": empty if it is none of the known ones
  std::string_view remedy;  ///< "unpack it first"
};

/// How many of a file's first bytes unread_file_format() needs.
inline constexpr std::size_t kFormatBytes = 512;

/// The format that a file's first bytes show. Pure.
UnreadFormat unread_file_format(std::string_view start);

/// The format that a line shows which is no event. Pure.
UnreadFormat unread_line_format(std::string_view line);

/// Whether a line names one of KVM's tracepoints as event lines do: "kvm:kvm_exit:", "kvm_exit:". Pure.
bool names_kvm_event(std::string_view line);

}  // namespace shadowwalk::trace
