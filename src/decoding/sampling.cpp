#include "decoding/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "support/error.h"
#include "support/random.h"

namespace wavemt {
namespace {

// A token that may be drawn.
struct Choice {
  int32_t token = 0;
  float log_prob = 0;  // Divided by the temperature.
  double weight = 0;   // Its probability times a constant.
};

// Equal ones by their token, so that every machine has the same order.
bool IsLikelier(const Choice& a, const Choice& b) {
  return a.log_prob != b.log_prob ? a.log_prob > b.log_prob : a.token < b.token;
}

// Sets the weights. Returns their sum.
double Weigh(std::vector<Choice>* choices) {
  float largest = kImpossible;
  for (const Choice& choice : *choices) largest = std::max(largest, choice.log_prob);
  double sum = 0;
  for (Choice& choice : *choices) {
    choice.weight = std::exp(choice.log_prob - largest);
    sum += choice.weight;
  }
  return sum;
}

void KeepTopK(int64_t top_k, std::vector<Choice>* choices) {
  const auto kept = static_cast<size_t>(top_k);
  if (top_k == 0 || kept >= choices->size()) return;
  const auto end = choices->begin() + static_cast<ptrdiff_t>(kept);
  std::nth_element(choices->begin(), end, choices->end(), IsLikelier);
  choices->resize(kept);
}

// The choices must have been weighed. Returns the sum of those that are kept.
double KeepTopP(double top_p, double sum, std::vector<Choice>* choices) {
  // A few tokens have nearly all of the probability: there is no need to sort a vocabulary.
  double kept_sum = 0;
  size_t kept = 0;
  for (size_t sorted = 64; kept < choices->size(); sorted *= 4) {
    const size_t end = std::min(sorted, choices->size());
    const auto begin = choices->begin();
    std::partial_sort(begin + static_cast<ptrdiff_t>(kept), begin + static_cast<ptrdiff_t>(end),
                      choices->end(), IsLikelier);
    while (kept < end && kept_sum < top_p * sum) kept_sum += (*choices)[kept++].weight;
    if (kept_sum >= top_p * sum) break;
  }
  choices->resize(kept);
  return kept_sum;
}

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
    const int32_t token = sentence.IsGiven(length)
                              ? sentence.target_prefix[static_cast<size_t>(length - 1)]
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
    hypothesis.was_cut = sentence.IsLast(length) && std::ranges::max(log_probs) > log_prob;
    return false;
  }

  int32_t DrawToken(std::span<const float> log_probs, int64_t length, const Draw& draw) {
    const SearchedSentence& sentence = input_.sentences[draw.sentence];
    std::vector<int32_t> repeating;
    if (options_.no_repeat_ngram_size > 0) {
      repeating = RepeatingTokens(draw.sequence.tokens, options_.no_repeat_ngram_size);
    }
    choices_.clear();
    for (size_t i = 0; i < log_probs.size(); ++i) {
      const auto token = static_cast<int32_t>(i);
      if (!(log_probs[i] > kImpossible) || !MayProduce(token, input_.special)) continue;
      if (token == input_.special.eos && !sentence.MayEnd(length)) continue;
      if (std::ranges::binary_search(repeating, token)) continue;
      choices_.push_back(
          {.token = token, .log_prob = log_probs[i] / static_cast<float>(options_.temperature)});
    }
    if (choices_.empty()) return input_.special.eos;
    KeepTopK(options_.top_k, &choices_);
    double sum = Weigh(&choices_);
    if (options_.top_p < 1) sum = KeepTopP(options_.top_p, sum, &choices_);
    double left =
        sum * Uniform(DeriveSeed(sentence.seed, {draw.number, static_cast<uint64_t>(length)}));
    for (const Choice& choice : choices_) {
      left -= choice.weight;
      if (left < 0) return choice.token;
    }
    return choices_.back().token;  // Rounding.
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
  std::vector<Choice> choices_;
  std::vector<std::vector<Hypothesis>> finished_;
};

}  // namespace

std::vector<std::vector<Hypothesis>> Sample(StepScorer& scorer, const SearchInput& input,
                                            const DecodingConfig& options) {
  if (input.watches_attention) scorer.WatchAttention(options.attention_layer);
  return Sampler(scorer, input, options).Run();
}

}  // namespace wavemt
