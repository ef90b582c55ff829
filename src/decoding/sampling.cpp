#include "decoding/sampling.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <span>

#include "inference/kernels.h"
#include "support/error.h"
#include "support/random.h"

namespace wavemt {
namespace {

// Weights, which are from 0 to 1, by their powers of two: from 2^-i to below 2^(1-i) in bucket i.
class WeightBuckets {
 public:
  explicit WeightBuckets(std::span<const float> weights) {
    for (const float weight : weights) {
      const size_t bucket = kBias - (std::bit_cast<uint32_t>(weight) >> kMantissaBits);
      sums_[bucket] += weight;
      ++counts_[bucket];
    }
  }

  // What the largest weights lie above, if there shall be `count` of them and they shall sum to
  // `sum`; more of them may.
  float Threshold(size_t count, double sum) const {
    size_t bucket = 0;
    for (; bucket + 1 < kBias; ++bucket) {
      if (counts_[bucket] >= count && sums_[bucket] >= sum) break;
      count -= std::min(count, counts_[bucket]);
      sum -= sums_[bucket];
    }
    const auto smallest = static_cast<uint32_t>(kBias - bucket) << kMantissaBits;
    return std::bit_cast<float>(smallest - 1);  // The next smaller number.
  }

 private:
  static constexpr size_t kBias = 127;
  static constexpr int kMantissaBits = 23;
  std::array<double, kBias + 1> sums_{};  // The last bucket: 0, and what is next to it.
  std::array<size_t, kBias + 1> counts_{};
};

// A number from 0 to below 1.
double Uniform(uint64_t seed) {
  constexpr int kDiscarded = 64 - std::numeric_limits<double>::digits;
  return std::ldexp(static_cast<double>(seed >> kDiscarded), -std::numeric_limits<double>::digits);
}

class Sampler {
 public:
  Sampler(StepScorer& scorer, const SearchInput& input, const DecodingConfig& options)
      : scorer_(scorer), input_(input), options_(options) {}

  std::vector<std::vector<Hypothesis>> Run() {
    const size_t draws = static_cast<size_t>(options_.n_best);
    finished_.assign(input_.sentences.size(), std::vector<Hypothesis>(draws));
    std::vector<Draw> growing;
    for (size_t sentence = 0; sentence < finished_.size(); ++sentence) {
      for (size_t draw = 0; draw < draws; ++draw) {
        // All of them begin in the same way, with one row of the scorer.
        growing.push_back(
            {.sentence = sentence, .number = draw, .row = static_cast<int32_t>(sentence)});
      }
    }
    std::vector<int32_t> newest(finished_.size(), input_.special.bos);
    for (int64_t length = 1; !growing.empty(); ++length) {
      input_.ThrowIfStopped();
      const size_t rows = newest.size();
      const std::span<const float> log_probs = scorer_.StepAll(newest);
      const size_t vocabulary = log_probs.size() / rows;
      std::vector<Draw> grown;
      for (Draw& draw : growing) {
        const std::span of_row =
            log_probs.subspan(static_cast<size_t>(draw.row) * vocabulary, vocabulary);
        if (Extend(of_row, length, &draw)) grown.push_back(std::move(draw));
      }
      newest = Continue(&grown);
      growing = std::move(grown);
    }
    return std::move(finished_);
  }

 private:
  // A translation that is being drawn.
  struct Draw {
    size_t sentence = 0;
    size_t number = 0;  // Among the draws of the sentence.
    int32_t row = 0;    // Of the scorer.
    TokenSequence sequence{};
    double log_probability = 0;
  };

  // Appends the token at `length`. Returns false if it is </s>.
  bool Extend(std::span<const float> log_probs, int64_t length, Draw* draw) {
    const SearchedSentence& sentence = input_.sentences[draw->sentence];
    const int32_t token = sentence.IsGiven(length)  ? sentence.GivenToken(length)
                          : sentence.IsLast(length) ? input_.special.eos
                                                    : DrawToken(log_probs, length, *draw);
    const float log_prob = log_probs[static_cast<size_t>(token)];
    if (!(log_prob > kImpossible)) {
      throw UsageError("the model's weights are unusable: they give no probabilities");
    }
    draw->log_probability += log_prob;
    if (token != input_.special.eos) {
      draw->sequence.tokens.push_back(token);
      draw->sequence.log_probs.push_back(log_prob);
      if (input_.watches_attention) {
        draw->sequence.attended.push_back(MostAttended(scorer_.Attention(draw->row)));
      }
      return true;
    }
    Hypothesis& hypothesis = finished_[draw->sentence][draw->number];
    hypothesis.sequence = std::move(draw->sequence);
    hypothesis.end_log_prob = log_prob;
    hypothesis.log_probability = draw->log_probability;
    hypothesis.score = draw->log_probability / LengthPenalty(length, options_.length_penalty);
    hypothesis.was_cut = sentence.IsLast(length) && WouldContinue(log_probs, log_prob);
    return false;
  }

  // Whether a token that may be produced is likelier than </s>.
  bool WouldContinue(std::span<const float> log_probs, float end_log_prob) const {
    for (size_t i = 0; i < log_probs.size(); ++i) {
      if (log_probs[i] > end_log_prob && MayProduce(static_cast<int32_t>(i), input_.special)) {
        return true;
      }
    }
    return false;
  }

  int32_t DrawToken(std::span<const float> log_probs, int64_t length, const Draw& draw) {
    const SearchedSentence& sentence = input_.sentences[draw.sentence];
    if (!Weigh(log_probs, length, draw)) return input_.special.eos;
    const double uniform =
        Uniform(DeriveSeed(sentence.seed, {draw.number, static_cast<uint64_t>(length)}));
    if (options_.top_k == 0 && options_.top_p == 1) return DrawFrom(weights_, uniform);
    TakeHead();
    return found_[static_cast<size_t>(DrawFrom(head_, uniform))];
  }

  // Fills weights_ with the probabilities, times a constant, of the tokens that are allowed.
  // Returns false if none is.
  bool Weigh(std::span<const float> log_probs, int64_t length, const Draw& draw) {
    weights_.assign(log_probs.begin(), log_probs.end());
    const SpecialTokens& special = input_.special;
    const auto forbid = [&](int32_t token) {
      if (token >= 0) weights_[static_cast<size_t>(token)] = kImpossible;
    };
    for (const int32_t token : {special.pad, special.bos, special.unk}) {
      if (!MayProduce(token, special)) forbid(token);
    }
    if (!input_.sentences[draw.sentence].MayEnd(length)) forbid(special.eos);
    if (options_.no_repeat_ngram_size > 0) {
      for (const int32_t token :
           RepeatingTokens(draw.sequence.tokens, options_.no_repeat_ngram_size)) {
        forbid(token);
      }
    }
    const float largest = std::ranges::max(weights_);
    if (!(largest > kImpossible)) return false;
    // Infinity times the likeliest token's 0 would not be a number.
    const auto scale = static_cast<float>(std::min(1 / options_.temperature, 1e30));
    for (float& weight : weights_) weight = (weight - largest) * scale;
    exponentials_.assign(weights_.size(), 0.0F);
    AddShareOfExp(1, weights_.data(), static_cast<int64_t>(weights_.size()), exponentials_.data());
    weights_.swap(exponentials_);
    return true;
  }

  // Fills head_ with the tokens that top_k and top_p leave.
  void TakeHead() {
    const WeightBuckets buckets(weights_);
    const bool has_top_k = options_.top_k > 0;
    const double of_all = std::accumulate(weights_.begin(), weights_.end(), 0.0);
    const float threshold = has_top_k ? buckets.Threshold(static_cast<size_t>(options_.top_k), 0)
                                      : buckets.Threshold(0, options_.top_p * of_all);
    found_.resize(weights_.size());
    found_.resize(static_cast<size_t>(FindAbove(
        weights_.data(), static_cast<int64_t>(weights_.size()), threshold, found_.data())));
    // Of equally likely tokens the first: every machine shall have the same order.
    std::ranges::stable_sort(found_, std::greater(),
                             [&](int32_t token) { return weights_[static_cast<size_t>(token)]; });
    if (has_top_k) found_.resize(std::min(found_.size(), static_cast<size_t>(options_.top_k)));
    head_.clear();
    for (const int32_t token : found_) head_.push_back(weights_[static_cast<size_t>(token)]);
    CutToTopP(has_top_k ? std::accumulate(head_.begin(), head_.end(), 0.0) : of_all);
  }

  // Keeps the first of head_ that together have top_p of `sum`.
  void CutToTopP(double sum) {
    double kept_sum = 0;
    size_t kept = 0;
    while (kept < head_.size() && kept_sum < options_.top_p * sum) kept_sum += head_[kept++];
    head_.resize(kept);
  }

  // The index of a weight, each as often as it is large; uniform: from 0 to below 1.
  static int32_t DrawFrom(std::span<const float> weights, double uniform) {
    double left = uniform * std::accumulate(weights.begin(), weights.end(), 0.0);
    size_t last = 0;  // With a weight: rounding must not choose one without.
    for (size_t i = 0; i < weights.size(); ++i) {
      if (weights[i] <= 0) continue;
      last = i;
      left -= weights[i];
      if (left < 0) break;
    }
    return static_cast<int32_t>(last);
  }

  // Makes `grown` the rows of the next step, one of a sentence of its own each, so that none waits
  // for the others of its sentence. Returns their newest tokens.
  std::vector<int32_t> Continue(std::vector<Draw>* grown) {
    std::vector<int32_t> newest;
    if (grown->empty()) return newest;
    std::vector<int32_t> rows;
    for (size_t i = 0; i < grown->size(); ++i) {
      Draw& draw = (*grown)[i];
      newest.push_back(draw.sequence.tokens.back());
      rows.push_back(draw.row);
      draw.row = static_cast<int32_t>(i);
    }
    scorer_.Select(rows, rows);
    return newest;
  }

  StepScorer& scorer_;
  const SearchInput& input_;
  const DecodingConfig& options_;
  std::vector<float> weights_;  // Of the tokens of a row.
  std::vector<float> exponentials_;
  std::vector<int32_t> found_;  // Tokens, likeliest first.
  std::vector<float> head_;     // The weights of the first of them.
  std::vector<std::vector<Hypothesis>> finished_;
};

}  // namespace

std::vector<std::vector<Hypothesis>> Sample(StepScorer& scorer, const SearchInput& input,
                                            const DecodingConfig& options) {
  if (input.watches_attention) scorer.WatchAttention(options.attention_layer);
  return Sampler(scorer, input, options).Run();
}

}  // namespace wavemt
