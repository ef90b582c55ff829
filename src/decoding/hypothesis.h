#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace wavemt {

/// The tokens of a hypothesis, without <s> and </s>, and what is known of each.
struct TokenSequence {
  std::vector<int32_t> tokens{};
  std::vector<float> log_probs{};  // Of each token, given those before it, in nats.
  /// The source token that each attended to most, </s> excluded; empty if attention is not watched.
  std::vector<int32_t> attended{};
};

/// A finished translation.
struct Hypothesis {
  TokenSequence sequence{};
  float end_log_prob = 0;      // Of </s>.
  double log_probability = 0;  // Of the tokens and </s>, in nats.
  /// log_probability / LengthPenalty(), and the coverage penalty if there is one. Decides the rank.
  double score = 0;
  bool was_cut = false;  // The model would have continued, but the length limit was reached.
};

/// ((5 + length) / 6)^alpha; `length` includes </s>. Wu et al. 2016, equation 14.
double LengthPenalty(int64_t length, double alpha);

/// The hypothesis that the search would have found best under each of other length penalties, in
/// their order. A search looks at log-probabilities alone; only when it has ended does the length
/// penalty rank what it found, so that one search answers for all of them, exactly.
/// `found`: all that the search found under `found_with`, in its order.
std::vector<Hypothesis> BestUnderEach(std::span<const double> length_penalties,
                                      std::span<const Hypothesis> found, double found_with);

/// The unfinished hypotheses as a tree: each token points to its parent in the previous step.
class HypothesisTree {
 public:
  struct Node {
    int32_t token = 0;
    int32_t parent = 0;  // Index in the previous step.
    float log_prob = 0;
    int32_t attended = -1;  // -1: not watched.
  };

  void AddStep(std::vector<Node> nodes) { steps_.push_back(std::move(nodes)); }
  /// The hypothesis whose last token is `node` of the newest step; empty before the first step.
  TokenSequence Trace(int32_t node) const;

 private:
  std::vector<std::vector<Node>> steps_;
};

/// The tokens that would make the last `ngram_size` tokens of a sequence occur in it twice: sorted.
std::vector<int32_t> RepeatingTokens(std::span<const int32_t> sequence, int64_t ngram_size);

/// The source token with the greatest attention, the last one, </s>, excluded if there are others.
int32_t MostAttended(std::span<const float> attention);

}  // namespace wavemt
