#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "data/special_tokens.h"

namespace wavemt {

/// What a search must know of a sentence besides its source, which the scorer has.
struct SearchedSentence {
  int64_t shortest_output = 0;           // Tokens of a translation, without </s>.
  int64_t longest_output = 0;            // Tokens including </s>; above the target prefix.
  std::vector<int32_t> target_prefix{};  // What the translation must begin with.
  uint64_t seed = 0;                     // Of its draws, in sampling.

  /// Whether the target prefix gives the token at `length`, counted from 1, and which it is.
  bool IsGiven(int64_t length) const {
    return length <= static_cast<int64_t>(target_prefix.size());
  }
  int32_t GivenToken(int64_t length) const {
    return target_prefix[static_cast<size_t>(length - 1)];
  }
  bool IsLast(int64_t length) const { return length >= longest_output; }
  /// Whether the token at `length` may be </s>.
  bool MayEnd(int64_t length) const { return length > shortest_output || IsLast(length); }
};

/// What a search needs besides the model and the options.
struct SearchInput {
  std::vector<SearchedSentence> sentences;
  SpecialTokens special;           // Of the target vocabulary.
  bool watches_attention = false;  // Hypotheses note what they attended to.
  /// Called before each step; returning true aborts the search with SearchStopped. May be empty.
  std::function<bool()> stop_requested{};

  void ThrowIfStopped() const;
};

/// Thrown when SearchInput::stop_requested aborts a search.
struct SearchStopped {};

inline void SearchInput::ThrowIfStopped() const {
  if (stop_requested && stop_requested()) throw SearchStopped();
}

}  // namespace wavemt
