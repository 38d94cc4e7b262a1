#pragma once

#include <string>

/// Numbers with units for people to read: about three digits, in a suitable unit.
namespace shadowwalk {

/// `37.8 us`, of nanoseconds: ns, us, ms, s.
std::string time_in_words(double ns);
/// `40.0 KiB`: B, KiB, MiB, GiB.
std::string bytes_in_words(double bytes);
/// `18.9 M/s`: /s, k/s, M/s, G/s.
std::string rate_in_words(double per_second);

}  // namespace shadowwalk
