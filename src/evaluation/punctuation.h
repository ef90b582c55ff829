#pragma once

#include <string>
#include <string_view>

namespace wavemt {

enum class Possessive {
  kKeep,
  kSplit,  // "'s" is set apart where a space follows.
};

/// The part of mteval-v13a.pl that BLEU's 13a and zh and TER's normalization share: spaces around
/// ASCII punctuation, except for apostrophes and for what stands inside numbers.
std::string SeparatePunctuation(std::string_view line, Possessive possessive = Possessive::kKeep);

/// &quot; &amp; &lt; &gt; become the characters they stand for, one after the other: "&amp;lt;"
/// becomes "<".
std::string ReplaceEntities(std::string_view line);

/// Every `from` in `text`, from left to right, becomes `to`. REQUIRES: `from` is not empty.
std::string ReplaceAll(std::string_view text, std::string_view from, std::string_view to);

}  // namespace wavemt
