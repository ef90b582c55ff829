#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace wavemt {

// SplitMix64 (Steele et al. 2014). It is cheap to seed, so that every input has its own generator
// and can be reproduced individually.
class Random {
 public:
  Random(uint64_t seed, uint64_t number) : state_(seed * 0x9E3779B97F4A7C15ULL ^ number) { Next(); }

  uint64_t Next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  // 0 <= result < limit; 0 if the limit is 0.
  size_t Below(size_t limit) { return limit == 0 ? 0 : Next() % limit; }
  bool OneIn(size_t limit) { return Below(limit) == 0; }

  template <typename T>
  const T& Choose(std::span<const T> choices) {
    return choices[Below(choices.size())];
  }
  template <typename T, size_t N>
  const T& Choose(const std::array<T, N>& choices) {
    return choices[Below(N)];
  }

 private:
  uint64_t state_;
};

// Numbers that are likely to break parsers.
inline constexpr auto kHardNumbers =
    std::to_array<std::string_view>({"0",
                                     "1",
                                     "-1",
                                     "-0",
                                     "0.5",
                                     "1e0",
                                     "7",
                                     "8",
                                     "255",
                                     "256",
                                     "65536",
                                     "2147483648",
                                     "4294967295",
                                     "4294967296",
                                     "1e15",
                                     "9007199254740993",
                                     "1e300",
                                     "1e999",
                                     "-1e999",
                                     "4611686018427387904",
                                     "01",
                                     "9223372036854775807",
                                     "-9223372036854775808",
                                     "9223372036854775808",
                                     "18446744073709551608",
                                     "18446744073709551615",
                                     "18446744073709551616",
                                     "99999999999999999999999999999999999999"});

// Bytes that are likely to break readers of text: NUL, all kinds of line ends, overlong and
// truncated UTF-8, surrogates, a byte order mark, JSON's special characters.
inline constexpr auto kHardBytes = std::to_array<std::string_view>({{"\0", 1},
                                                                    "\n",
                                                                    "\r",
                                                                    "\r\n",
                                                                    "\t",
                                                                    " ",
                                                                    "\x7F",
                                                                    "\x80",
                                                                    "\xFF",
                                                                    "\xC0\x80",
                                                                    "\xE2\x80\xA8",
                                                                    "\xC2\x85",
                                                                    "\xED\xA0\x80",
                                                                    "\xF4\x90\x80\x80",
                                                                    "\xF0\x9F\x8C",
                                                                    "\xEF\xBB\xBF",
                                                                    "\xFF\xFE",
                                                                    "\x1F\x8B",
                                                                    "\"",
                                                                    "\\",
                                                                    "{",
                                                                    "}",
                                                                    "[",
                                                                    "]",
                                                                    ":",
                                                                    ",",
                                                                    "\\u0000",
                                                                    "\\ud800",
                                                                    "\\uDC00\\ud800",
                                                                    "[[[[[[[[",
                                                                    "{\"a\":{\"a\":",
                                                                    "null",
                                                                    "true",
                                                                    "/*"});

// Makes 1 to 4 random changes to `bytes`: flips a bit, sets, inserts, removes or copies bytes,
// truncates, or replaces a number.
void Damage(Random& random, std::string* bytes);

}  // namespace wavemt
