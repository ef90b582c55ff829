#include "decoding/hypothesis.h"

#include <algorithm>
#include <cmath>

namespace wavemt {

double LengthPenalty(int64_t length, double alpha) {
  return std::pow((5.0 + static_cast<double>(length)) / 6.0, alpha);
}

std::vector<Hypothesis> BestUnderEach(std::span<const double> length_penalties,
                                      std::span<const Hypothesis> found, double found_with) {
  const auto normalized = [](const Hypothesis& hypothesis, double alpha) {
    const auto length = static_cast<int64_t>(hypothesis.sequence.tokens.size()) + 1;  // With </s>.
    return hypothesis.log_probability / LengthPenalty(length, alpha);
  };
  std::vector<Hypothesis> best;
  for (const double alpha : length_penalties) {
    const Hypothesis* first = nullptr;
    double first_score = 0;
    for (const Hypothesis& hypothesis : found) {
      // What the score holds besides, the coverage penalty, does not depend on the length penalty.
      const double besides = hypothesis.score - normalized(hypothesis, found_with);
      const double score = normalized(hypothesis, alpha) + besides;
      if (first != nullptr && !(score > first_score)) continue;
      first = &hypothesis;
      first_score = score;
    }
    if (first == nullptr) continue;
    best.push_back(*first);
    best.back().score = first_score;
  }
  return best;
}

TokenSequence HypothesisTree::Trace(int32_t node) const {
  TokenSequence traced;
  for (size_t step = steps_.size(); step-- > 0;) {
    const Node& here = steps_[step][static_cast<size_t>(node)];
    traced.tokens.push_back(here.token);
    traced.log_probs.push_back(here.log_prob);
    if (here.attended >= 0) traced.attended.push_back(here.attended);
    node = here.parent;
  }
  std::ranges::reverse(traced.tokens);
  std::ranges::reverse(traced.log_probs);
  std::ranges::reverse(traced.attended);
  return traced;
}

std::vector<int32_t> RepeatingTokens(std::span<const int32_t> sequence, int64_t ngram_size) {
  const auto before = static_cast<size_t>(ngram_size - 1);  // The tokens before a repeating one.
  std::vector<int32_t> repeating;
  if (sequence.size() < before) return repeating;
  const std::span last = sequence.last(before);
  for (size_t end = before; end < sequence.size(); ++end) {
    if (std::ranges::equal(sequence.subspan(end - before, before), last)) {
      repeating.push_back(sequence[end]);
    }
  }
  std::ranges::sort(repeating);
  repeating.erase(std::unique(repeating.begin(), repeating.end()), repeating.end());
  return repeating;
}

int32_t MostAttended(std::span<const float> attention) {
  const size_t count = std::max<size_t>(attention.size() - 1, 1);
  return static_cast<int32_t>(std::ranges::max_element(attention.first(count)) - attention.begin());
}

}  // namespace wavemt
