#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// How TER preprocesses lines. The defaults are those of Tercom and sacreBLEU.
struct TercomOptions {
  bool normalized = false;     // Decode entities and separate punctuation.
  bool no_punct = false;       // Remove punctuation.
  bool asian_support = false;  // Apply these two to Chinese and Japanese characters as well.
  bool case_sensitive = false;
};

enum class TerSide { kHypothesis, kReference };

/// Separates the words that TER compares by whitespace, as in sacreBLEU's port of Tercom's
/// Normalizer. REQUIRES: `line` is well-formed UTF-8.
std::string TokenizeForTer(std::string_view line, TerSide side, const TercomOptions& options);

}  // namespace wavemt
