#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// How TER changes a line before it compares words. The defaults are Tercom's and sacreBLEU's.
struct TercomOptions {
  bool normalized = false;     // Entities decoded, punctuation set apart.
  bool no_punct = false;       // Punctuation removed.
  bool asian_support = false;  // Both of these for Chinese and Japanese characters as well.
  bool case_sensitive = false;
};

enum class TerSide { kHypothesis, kReference };

/// The words that TER compares, separated by whitespace, as sacreBLEU makes them after Tercom's
/// Normalizer. REQUIRES: well-formed UTF-8.
std::string TokenizeForTer(std::string_view line, TerSide side, const TercomOptions& options);

}  // namespace wavemt
