#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "data/special_tokens.h"

namespace wavemt {

/// The log-probability of what cannot be.
inline constexpr float kImpossible = -std::numeric_limits<float>::infinity();

/// The likeliest next tokens of each row. <pad>, <s> and <unk> are never among them, but count in
/// the probabilities of the others.
struct NextTokens {
  int64_t per_row = 0;
  std::vector<int32_t> tokens;   // [rows, per_row], likeliest first.
  std::vector<float> log_probs;  // [rows, per_row], in nats; kImpossible where there are no more.
  std::vector<float> of_wanted;  // [rows], the log-probability of the token that was asked for.
};

/// The model as seen by a search: it scores the next token of each hypothesis. A row is a
/// hypothesis; the rows of a sentence are adjacent, and every sentence has the same number of them.
class StepScorer {
 public:
  virtual ~StepScorer() = default;

  /// Appends one token to each hypothesis (newest: [rows]) and returns the `per_row` likeliest next
  /// ones, with the log-probability of one token that is asked for (wanted: [rows]). The result is
  /// overwritten by the next call.
  virtual const NextTokens& Step(std::span<const int32_t> newest, std::span<const int32_t> wanted,
                                 int64_t per_row) = 0;

  /// The same, but returns the log-probabilities of all tokens, special ones included: [rows,
  /// target vocabulary]. For samples and ensembles; Step() is faster.
  virtual std::span<const float> StepAll(std::span<const int32_t> newest) = 0;

  /// Keeps `sentences` (indices; one may be repeated) and makes the old row rows[i] the new row i.
  /// A row may be repeated or dropped.
  virtual void Select(std::span<const int32_t> sentences, std::span<const int32_t> rows) = 0;

  /// From now on each step notes what it attends to in the source; `attention_layer` as in the
  /// config. Before the first step.
  virtual void WatchAttention(int64_t attention_layer) = 0;
  /// The attention of a row in the last step, averaged over the heads: [source tokens of the row's
  /// sentence, </s> included]. Sums to 1 unless a prefix adapter takes a part.
  virtual std::span<const float> Attention(int64_t row) const = 0;
};

/// Whether a search may produce a token. Marian's models have neither <s> nor <pad>: </s> serves as
/// both.
inline bool MayProduce(int32_t token, const SpecialTokens& special) {
  return token == special.eos ||
         (token != special.pad && token != special.bos && token != special.unk);
}

}  // namespace wavemt
