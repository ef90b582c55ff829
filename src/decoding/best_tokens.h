#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace wavemt {

/// Puts a token at its place among the best of a row, which are sorted by score, if it is one of
/// them.
inline void InsertAmongBest(float score, int32_t token, std::span<float> best, int32_t* tokens) {
  size_t place = best.size() - 1;
  if (!(score > best[place])) return;
  for (; place > 0 && best[place - 1] < score; --place) {
    best[place] = best[place - 1];
    tokens[place] = tokens[place - 1];
  }
  best[place] = score;
  tokens[place] = token;
}

}  // namespace wavemt
