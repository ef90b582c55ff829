#include "decoding/packed_scorer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "decoding/best_tokens.h"

namespace wavemt {
namespace {

constexpr int64_t kColumns = 4 * PackedLinear::kBlock;  // With 320 rows 320 KiB of logits.

}  // namespace

PackedScorer::PackedScorer(const PackedTransformer& model, const torch::Tensor& source,
                           std::span<const int64_t> lengths, const SpecialTokens& special,
                           InferenceMemory* memory)
    : model_(model),
      special_(special),
      memory_(*memory),
      cache_(model.Encode(source, lengths, memory)),
      found_(kColumns) {}

void PackedScorer::Restrict(std::vector<int32_t> tokens) {
  tokens_ = std::move(tokens);
  restricted_ = model_.OutputOf(tokens_);
}

int64_t PackedScorer::ColumnOf(int32_t token) const {
  if (tokens_.empty()) return token;
  const auto found = std::ranges::lower_bound(tokens_, token);
  return found != tokens_.end() && *found == token ? found - tokens_.begin() : -1;
}

const float* PackedScorer::DecodeStep(std::span<const int32_t> newest) {
  rows_ = static_cast<int64_t>(newest.size());
  return model_.DecodeStep(newest, &cache_, &memory_, attention_ ? &*attention_ : nullptr);
}

const NextTokens& PackedScorer::Step(std::span<const int32_t> newest,
                                     std::span<const int32_t> wanted, int64_t per_row) {
  FindLikeliest(DecodeStep(newest), wanted, per_row);
  return next_;
}

std::span<const float> PackedScorer::StepAll(std::span<const int32_t> newest) {
  const float* hidden = DecodeStep(newest);
  const PackedLinear& output = Output();
  const int64_t columns = output.outputs();
  const int64_t vocabulary = model_.output().outputs();
  output.Prepare(hidden, rows_, &memory_.input);
  all_.resize(static_cast<size_t>(rows_ * vocabulary));
  output.Multiply(memory_.input, 0, columns, all_.data(), vocabulary);
  for (int64_t row = 0; row < rows_; ++row) {
    float* log_probs = all_.data() + row * vocabulary;
    LogitSum sum;
    AddLogits(log_probs, columns, &sum);
    const float normalizer = sum.largest + std::log(sum.sum);
    for (int64_t column = 0; column < columns; ++column) log_probs[column] -= normalizer;
    if (!tokens_.empty()) SpreadOut(std::span(log_probs, static_cast<size_t>(vocabulary)));
  }
  return all_;
}

// From the columns of a restriction, at the beginning of a row, to their tokens.
void PackedScorer::SpreadOut(std::span<float> row) const {
  size_t end = row.size();
  for (size_t column = tokens_.size(); column-- > 0;) {
    // No token stands before its column, so nothing is overwritten that has yet to move.
    const auto token = static_cast<size_t>(tokens_[column]);
    const float log_prob = row[column];
    std::ranges::fill(row.subspan(token, end - token), kImpossible);
    row[token] = log_prob;
    end = token;
  }
  std::ranges::fill(row.first(end), kImpossible);
}

void PackedScorer::WatchAttention(int64_t attention_layer) {
  const int64_t layers = model_.config().num_decoder_layers;
  attention_ = {.layer = AttentionLayer(attention_layer, layers)};
}

std::span<const float> PackedScorer::Attention(int64_t row) const { return attention_->OfRow(row); }

void PackedScorer::FindLikeliest(const float* hidden, std::span<const int32_t> wanted,
                                 int64_t per_row) {
  const PackedLinear& output = Output();
  const int64_t rows = rows_;
  wanted_columns_.clear();
  for (const int32_t token : wanted) wanted_columns_.push_back(ColumnOf(token));
  const auto kept = static_cast<size_t>(rows * per_row);
  next_.per_row = per_row;
  next_.tokens.assign(kept, special_.eos);
  next_.log_probs.assign(kept, kImpossible);
  next_.of_wanted.assign(static_cast<size_t>(rows), kImpossible);
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
    next_.of_wanted[static_cast<size_t>(row)] -= normalizer;
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
    if (MayProduce(token, special_)) {
      InsertAmongBest(logits[column], token, best, &next_.tokens[from]);
    }
  }
  const int64_t wanted = wanted_columns_[static_cast<size_t>(row)];
  if (wanted >= first && wanted < first + count) {
    next_.of_wanted[static_cast<size_t>(row)] = logits[wanted - first];
  }
}

}  // namespace wavemt
