// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace shadowwalk {

/// One line of text in memory of its own, for code that may neither allocate nor throw. What does not fit is cut off.
template <std::size_t kBytes>
class Line {
 public:
  constexpr Line& operator<<(std::string_view text) {
    for (const char letter : text) {
      if (size_ + 1 < kBytes) text_[size_++] = letter;
    }
    return *this;
  }
  constexpr Line& operator<<(std::uint64_t number) { return append(number, 10, 1); }
  /// `0x` and at least so many hexadecimal digits.
  constexpr Line& hex(std::uint64_t number, unsigned least_digits = 1) {
    *this << "0x";
    return append(number, 16, least_digits);
  }

  constexpr bool empty() const { return size_ == 0; }
  constexpr std::string_view view() const { return {text_.data(), size_}; }
  /// Ends with a 0.
  constexpr const char* c_str() const { return text_.data(); }

 private:
  constexpr Line& append(std::uint64_t number, std::uint64_t base, unsigned least_digits) {
    std::array<char, 20> digits{};
    unsigned count = 0;
    for (; number != 0 || count < least_digits; number /= base) digits[count++] = "0123456789abcdef"[number % base];
    while (count != 0) *this << std::string_view(&digits[--count], 1);
    return *this;
  }

  std::array<char, kBytes> text_{};
  std::size_t size_ = 0;
};

}  // namespace shadowwalk
