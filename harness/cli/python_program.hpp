#pragma once

#include <string>
#include <vector>

namespace shadowwalk::cli {

/// Becomes the Python program `module` of the package shadowwalk_report, so that its output, exit code and signals are
/// ours. It says itself which Debian package to install when one of its modules is missing.
/// Throws InputError when the package is not where it should be or Python does not start.
[[noreturn]] void become_python(const std::string& module, const std::vector<std::string>& arguments);

}  // namespace shadowwalk::cli
