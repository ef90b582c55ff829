#include "decoding/ensemble_scorer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "decoding/best_tokens.h"
#include "inference/kernels.h"

namespace wavemt {

EnsembleScorer::EnsembleScorer(std::vector<std::unique_ptr<StepScorer>> scorers,
                               const SpecialTokens& special, EnsembleMean mean)
    : scorers_(std::move(scorers)), special_(special), kind_(mean) {}

void EnsembleScorer::Average(std::span<const int32_t> newest) {
  const float share = 1.0F / static_cast<float>(scorers_.size());
  mean_.clear();
  of_models_.clear();
  for (const auto& scorer : scorers_) {
    const std::span<const float> log_probs = scorer->StepAll(newest);
    of_models_.push_back(log_probs);
    mean_.resize(log_probs.size());
    const auto count = static_cast<int64_t>(log_probs.size());
    if (kind_ == EnsembleMean::kProbabilities) {
      AddShareOfExp(share, log_probs.data(), count, mean_.data());
    } else {
      AddShare(share, log_probs.data(), count, mean_.data());
    }
  }
}

float EnsembleScorer::LogAt(size_t index) const {
  constexpr float kSmall = 1e-30F;  // Sums of smaller numbers lose digits, or are 0.
  const float mean = mean_[index];
  if (kind_ == EnsembleMean::kLogProbabilities) return mean;
  if (mean > kSmall) return std::log(mean);
  float largest = kImpossible;
  for (const auto& log_probs : of_models_) largest = std::max(largest, log_probs[index]);
  if (!(largest > kImpossible)) return largest;
  float sum = 0;
  for (const auto& log_probs : of_models_) sum += std::exp(log_probs[index] - largest);
  return largest + std::log(sum / static_cast<float>(of_models_.size()));
}

const NextTokens& EnsembleScorer::Step(std::span<const int32_t> newest,
                                       std::span<const int32_t> wanted, int64_t per_row) {
  Average(newest);
  const size_t rows = newest.size();
  const size_t vocabulary = mean_.size() / rows;
  const auto kept = static_cast<size_t>(per_row);
  next_.per_row = per_row;
  next_.tokens.assign(rows * kept, special_.eos);
  next_.log_probs.assign(rows * kept, kImpossible);
  next_.of_wanted.clear();
  found_.resize(vocabulary);
  for (size_t row = 0; row < rows; ++row) {
    const float* mean = &mean_[row * vocabulary];
    const std::span best = std::span(next_.log_probs).subspan(row * kept, kept);
    // In blocks, because the later ones have few tokens that are better than those found.
    constexpr size_t kBlock = 512;
    for (size_t begin = 0; begin < vocabulary; begin += kBlock) {
      const auto count = static_cast<int64_t>(std::min(kBlock, vocabulary - begin));
      const int64_t above = FindAbove(mean + begin, count, best.back(), found_.data());
      for (int64_t i = 0; i < above; ++i) {
        const auto token = static_cast<int32_t>(begin) + found_[static_cast<size_t>(i)];
        if (!MayProduce(token, special_)) continue;
        InsertAmongBest(mean[token], token, best, &next_.tokens[row * kept]);
      }
    }
    const size_t first = row * vocabulary;
    for (size_t i = row * kept; i < (row + 1) * kept; ++i) {
      float& score = next_.log_probs[i];
      if (score > kImpossible) score = LogAt(first + static_cast<size_t>(next_.tokens[i]));
    }
    next_.of_wanted.push_back(LogAt(first + static_cast<size_t>(wanted[row])));
  }
  return next_;
}

std::span<const float> EnsembleScorer::StepAll(std::span<const int32_t> newest) {
  Average(newest);
  logs_.resize(mean_.size());
  for (size_t i = 0; i < mean_.size(); ++i) logs_[i] = LogAt(i);
  return logs_;
}

void EnsembleScorer::Select(std::span<const int32_t> sentences, std::span<const int32_t> rows) {
  for (const auto& scorer : scorers_) scorer->Select(sentences, rows);
}

void EnsembleScorer::WatchAttention(int64_t attention_layer) {
  for (const auto& scorer : scorers_) scorer->WatchAttention(attention_layer);
}

std::span<const float> EnsembleScorer::Attention(int64_t row) const {
  const float share = 1.0F / static_cast<float>(scorers_.size());
  attention_.clear();
  for (const auto& scorer : scorers_) {
    const std::span<const float> attention = scorer->Attention(row);
    attention_.resize(attention.size());
    AddShare(share, attention.data(), static_cast<int64_t>(attention.size()), attention_.data());
  }
  return attention_;
}

}  // namespace wavemt
