#pragma once

#include <string>
#include <string_view>

namespace wavemt {

enum class Possessive {
  kKeep,
  kSplit,  // Separates "'s" if a space follows.
};

/// The steps of mteval-v13a.pl shared by BLEU's 13a and zh and TER's normalization: puts spaces
/// around ASCII punctuation, except apostrophes and punctuation inside numbers.
std::string SeparatePunctuation(std::string_view line, Possessive possessive = Possessive::kKeep);

/// Decodes &quot; &amp; &lt; &gt;, one after the other, so that "&amp;lt;" becomes "<".
std::string ReplaceEntities(std::string_view line);

/// Replaces every `from` in `text` by `to`, from left to right. REQUIRES: `from` is not empty.
std::string ReplaceAll(std::string_view text, std::string_view from, std::string_view to);

}  // namespace wavemt
