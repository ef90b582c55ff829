#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace wavemt {

// Lines as found in bad corpora, determined by the seed. All are well-formed UTF-8 without "\n",
// but they contain everything else that some program takes for the end of a line or a text.
class HostileText {
 public:
  explicit HostileText(uint64_t seed) : generator_(seed) {}

  // A random number from 0 to `max`.
  uint64_t Draw(uint64_t max) { return generator_() % (max + 1); }

  std::string Line() {
    using namespace std::string_literals;
    static const std::vector<std::string> kPieces = {
        "\0"s,        "\r",     "\r\r",   "\t",     "\v",     "\f",      "\x1a",   "\x1c",
        "\x1d",       "\x1e",   "\u0085", "\u2028", "\u2029", "\uFEFF",  "\u200b", "\u00a0",
        "\u3000",     "\uFFFD", "\uFFFE", "\u2581", "\u202e", "e\u0301", "字",     "🌊",
        "\U0010FFFF", "<s>",    "</s>",   "|||",    "a",      "bc",      " ",      "  "};
    std::string line;
    const uint64_t kind = Draw(99);
    if (kind < 15) return line;
    if (kind < 25) {
      for (uint64_t i = Draw(5); i > 0; --i) line += kPieces[Draw(15)];
      return line;
    }
    const uint64_t max_pieces = kind == 99 ? 3000 : 12;
    for (uint64_t i = Draw(max_pieces) + 1; i > 0; --i) line += kPieces[Draw(kPieces.size() - 1)];
    return line;
  }

  // Bytes that are invalid UTF-8 wherever they are inserted between characters.
  std::string_view IllFormed() {
    static const std::vector<std::string_view> kBytes = {"\xff",
                                                         "\xfe",
                                                         "\x80",
                                                         "\xbf",
                                                         "\xc0\xaf",
                                                         "\xc1\xbf",
                                                         "\xe0\x80\xaf",
                                                         "\xed\xa0\x80",
                                                         "\xed\xbf\xbf",
                                                         "\xf0\x80\x80\xaf",
                                                         "\xf4\x90\x80\x80",
                                                         "\xf8\x88\x80\x80\x80",
                                                         "\xc3",
                                                         "\xe5\xad",
                                                         "\xf0\x9f\x8c"};
    return kBytes[Draw(kBytes.size() - 1)];
  }

 private:
  std::mt19937_64 generator_;
};

}  // namespace wavemt
