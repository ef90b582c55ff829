#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "decoding/step_scorer.h"
#include "special_tokens.h"
#include "support/random.h"

namespace wavemt {

// A "model" whose next-token probabilities are random but fixed for each sentence and prefix. It is
// small enough for a test to compare a search with the enumeration of all sequences.
class TableScorer : public StepScorer {
 public:
  // `sentences`: one number each, which selects its probabilities.
  TableScorer(std::vector<uint64_t> sentences, int64_t vocabulary,
              const SpecialTokens& special = kSpecial)
      : sentences_(std::move(sentences)), vocabulary_(vocabulary), special_(special) {}

  // log p(next token | prefix); the prefix includes <s>.
  static std::vector<double> LogProbabilities(uint64_t sentence, const std::vector<int64_t>& prefix,
                                              int64_t vocabulary) {
    uint64_t seed = DeriveSeed(sentence, {static_cast<uint64_t>(prefix.size())});
    for (const int64_t token : prefix) seed = DeriveSeed(seed, {static_cast<uint64_t>(token)});
    std::mt19937_64 generator(seed);
    std::vector<double> values(static_cast<size_t>(vocabulary));
    double sum = 0;
    for (double& value : values) {
      value = 4.0 * static_cast<double>(generator()) / static_cast<double>(generator.max());
      sum += std::exp(value);
    }
    for (double& value : values) value -= std::log(sum);
    return values;
  }

  // What the scorer believes.
  virtual std::vector<double> Distribution(uint64_t sentence,
                                           const std::vector<int64_t>& prefix) const {
    return LogProbabilities(sentence, prefix, vocabulary_);
  }

  const NextTokens& Step(std::span<const int32_t> newest, std::span<const int32_t> wanted,
                         int64_t per_row) override {
    const size_t rows = newest.size();
    StepAll(newest);
    next_ = {.per_row = per_row, .tokens = {}, .log_probs = {}, .of_wanted = {}};
    for (size_t row = 0; row < rows; ++row) {
      const std::span values = std::span(all_).subspan(row * static_cast<size_t>(vocabulary_),
                                                       static_cast<size_t>(vocabulary_));
      std::vector<int32_t> order;
      for (int32_t token = 0; token < static_cast<int32_t>(vocabulary_); ++token) {
        if (MayProduce(token, special_)) order.push_back(token);
      }
      std::ranges::stable_sort(order, [&](int32_t a, int32_t b) {
        return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)];
      });
      for (size_t i = 0; i < static_cast<size_t>(per_row); ++i) {
        const bool exists = i < order.size();
        next_.tokens.push_back(exists ? order[i] : 0);
        next_.log_probs.push_back(exists ? values[static_cast<size_t>(order[i])] : kImpossible);
      }
      next_.of_wanted.push_back(values[static_cast<size_t>(wanted[row])]);
    }
    return next_;
  }

  std::span<const float> StepAll(std::span<const int32_t> newest) override {
    const size_t rows = newest.size();
    const size_t rows_per_sentence = rows / sentences_.size();
    prefixes_.resize(rows);
    all_.clear();
    for (size_t row = 0; row < rows; ++row) {
      prefixes_[row].push_back(newest[row]);
      for (const double value : Distribution(sentences_[row / rows_per_sentence], prefixes_[row])) {
        all_.push_back(static_cast<float>(value));
      }
    }
    ++steps;
    return all_;
  }

  void WatchAttention(int64_t /*attention_layer*/) override {}

  // Two source tokens and </s>; the share of the first depends on the newest token.
  std::span<const float> Attention(int64_t row) const override {
    const int64_t newest = prefixes_[static_cast<size_t>(row)].back();
    const float first = AttentionToFirst(newest);
    attention_ = {first, 0.9F - first, 0.1F};
    return attention_;
  }
  static float AttentionToFirst(int64_t newest) {
    return 0.1F + 0.1F * static_cast<float>(newest % 7);
  }

  void Select(std::span<const int32_t> sentences, std::span<const int32_t> rows) override {
    sentences_ = Selected(sentences_, sentences);
    prefixes_ = Selected(prefixes_, rows);
  }

  int64_t steps = 0;

 private:
  template <typename T>
  static std::vector<T> Selected(const std::vector<T>& items, std::span<const int32_t> indices) {
    std::vector<T> selected;
    for (const int32_t i : indices) selected.push_back(items.at(static_cast<size_t>(i)));
    return selected;
  }

  std::vector<uint64_t> sentences_;
  std::vector<std::vector<int64_t>> prefixes_;
  int64_t vocabulary_;
  SpecialTokens special_;
  NextTokens next_;
  std::vector<float> all_;
  mutable std::vector<float> attention_;
};

}  // namespace wavemt
