#include "decoding/packed_scorer.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace wavemt {
namespace {

constexpr int64_t kColumns = 4 * PackedLinear::kBlock;  // With 320 rows 320 KiB of logits.

// Puts a token at its place among the best, which are sorted, if it is one of them.
void Insert(float logit, int32_t token, std::span<float> best, int32_t* tokens) {
  size_t place = best.size() - 1;
  if (!(logit > best[place])) return;
  for (; place > 0 && best[place - 1] < logit; --place) {
    best[place] = best[place - 1];
    tokens[place] = tokens[place - 1];
  }
  best[place] = logit;
  tokens[place] = token;
}

}  // namespace

PackedScorer::PackedScorer(const PackedTransformer& model, const torch::Tensor& source,
                           std::span<const int64_t> lengths, const SpecialTokens& special,
                           InferenceMemory* memory)
    : model_(model),
      special_(special),
      memory_(*memory),
      cache_(model.Encode(source, lengths, memory)),
      end_column_(special.eos),
      found_(kColumns) {}

void PackedScorer::Restrict(std::vector<int32_t> tokens) {
  tokens_ = std::move(tokens);
  restricted_ = model_.OutputOf(tokens_);
  end_column_ = std::ranges::lower_bound(tokens_, special_.eos) - tokens_.begin();
}

const NextTokens& PackedScorer::Step(std::span<const int32_t> newest, int64_t per_row) {
  const auto rows = static_cast<int64_t>(newest.size());
  FindLikeliest(model_.DecodeStep(newest, &cache_, &memory_), rows, per_row);
  return next_;
}

void PackedScorer::FindLikeliest(const float* hidden, int64_t rows, int64_t per_row) {
  const PackedLinear& output = tokens_.empty() ? model_.output() : restricted_;
  const auto kept = static_cast<size_t>(rows * per_row);
  next_.per_row = per_row;
  next_.tokens.assign(kept, special_.eos);
  next_.log_probs.assign(kept, kImpossible);
  next_.end.assign(static_cast<size_t>(rows), kImpossible);
  sums_.assign(static_cast<size_t>(rows), {});
  logits_.resize(std::max(logits_.size(), static_cast<size_t>(rows * kColumns)));
  output.Prepare(hidden, rows, &memory_.input);
  for (int64_t begin = 0; begin < output.outputs(); begin += kColumns) {
    const int64_t end = std::min(begin + kColumns, output.outputs());
    output.Multiply(memory_.input, begin, end, logits_.data(), kColumns);
    for (int64_t row = 0; row < rows; ++row) {
      TakeBlock(row, logits_.data() + row * kColumns, begin, end - begin);
    }
  }
  for (int64_t row = 0; row < rows; ++row) {
    const LogitSum& sum = sums_[static_cast<size_t>(row)];
    const float normalizer = sum.largest + std::log(sum.sum);
    next_.end[static_cast<size_t>(row)] -= normalizer;
    for (int64_t i = row * per_row; i < (row + 1) * per_row; ++i) {
      next_.log_probs[static_cast<size_t>(i)] -= normalizer;
    }
  }
}

void PackedScorer::TakeBlock(int64_t row, const float* logits, int64_t first, int64_t count) {
  const float largest = AddLogits(logits, count, &sums_[static_cast<size_t>(row)]);
  const auto per_row = static_cast<size_t>(next_.per_row);
  const size_t from = static_cast<size_t>(row) * per_row;
  const std::span best = std::span(next_.log_probs).subspan(from, per_row);
  const int64_t above =
      largest > best.back() ? FindAbove(logits, count, best.back(), found_.data()) : 0;
  for (int64_t i = 0; i < above; ++i) {
    const int32_t column = found_[static_cast<size_t>(i)];
    const int32_t token = TokenOf(first + column);
    if (MayProduce(token, special_)) Insert(logits[column], token, best, &next_.tokens[from]);
  }
  if (end_column_ >= first && end_column_ < first + count) {
    next_.end[static_cast<size_t>(row)] = logits[end_column_ - first];
  }
}

}  // namespace wavemt
