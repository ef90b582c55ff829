#pragma once

#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "decoding/step_scorer.h"
#include "support/random.h"

namespace wavemt {

// A "model" whose next-token probabilities are random but fixed for each sentence and prefix. It is
// small enough for a test to compare a search with the enumeration of all sequences.
class TableScorer : public StepScorer {
 public:
  // `sentences`: one number each, which selects its probabilities.
  TableScorer(std::vector<uint64_t> sentences, int64_t vocabulary)
      : sentences_(std::move(sentences)), vocabulary_(vocabulary) {}

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

  torch::Tensor Step(const torch::Tensor& newest) override {
    const int64_t rows = newest.size(0);
    prefixes_.resize(static_cast<size_t>(rows));
    auto log_probs = torch::empty({rows, vocabulary_});
    const int64_t rows_per_sentence = rows / static_cast<int64_t>(sentences_.size());
    for (int64_t row = 0; row < rows; ++row) {
      auto& prefix = prefixes_[static_cast<size_t>(row)];
      prefix.push_back(newest[row].item<int64_t>());
      const auto values = LogProbabilities(sentences_[static_cast<size_t>(row / rows_per_sentence)],
                                           prefix, vocabulary_);
      for (int64_t token = 0; token < vocabulary_; ++token) {
        log_probs[row][token] = values[static_cast<size_t>(token)];
      }
    }
    ++steps;
    return log_probs;
  }

  void SelectRows(const torch::Tensor& rows) override { prefixes_ = Select(prefixes_, rows); }
  void SelectSentences(const torch::Tensor& sentences) override {
    sentences_ = Select(sentences_, sentences);
  }

  int64_t steps = 0;  // Calls of Step().

 private:
  template <typename T>
  static std::vector<T> Select(const std::vector<T>& items, const torch::Tensor& indices) {
    std::vector<T> selected;
    for (int64_t i = 0; i < indices.size(0); ++i) {
      selected.push_back(items.at(static_cast<size_t>(indices[i].item<int64_t>())));
    }
    return selected;
  }

  std::vector<uint64_t> sentences_;
  std::vector<std::vector<int64_t>> prefixes_;
  int64_t vocabulary_;
};

}  // namespace wavemt
