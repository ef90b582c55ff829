#include "decoding/beam_search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "support/error.h"

namespace wavemt {
namespace {

class Search {
 public:
  Search(StepScorer& scorer, const SearchInput& input, const DecodingConfig& options)
      : scorer_(scorer), input_(input), options_(options), beam_(options.beam_size) {
    finished_.resize(input.sentences.size());
    active_.resize(input.sentences.size());
    std::iota(active_.begin(), active_.end(), 0);
  }

  std::vector<std::vector<Hypothesis>> Run() {
    // A single hypothesis of each sentence: others would be the same.
    scores_.assign(active_.size(), 0.0F);
    coverage_.resize(active_.size());
    std::vector<int32_t> newest(active_.size(), input_.special.bos);
    for (int64_t length = 1; !active_.empty(); ++length) {
      input_.ThrowIfStopped();
      newest = Step(newest, length);
    }
    for (auto& hypotheses : finished_) {
      if (hypotheses.empty()) {
        throw UsageError("the model's weights are unusable: they let no translation end");
      }
      std::ranges::stable_sort(hypotheses, std::greater(), &Hypothesis::score);
      hypotheses.resize(std::min(hypotheses.size(), static_cast<size_t>(options_.n_best)));
    }
    return std::move(finished_);
  }

 private:
  // A hypothesis with one more token.
  struct Candidate {
    float score = 0;     // Its log-probability.
    int32_t parent = 0;  // The row that it continues.
    int32_t token = 0;
    float log_prob = 0;  // Of the token.
    bool was_cut = false;
  };

  const SearchedSentence& Sentence(size_t active) const {
    return input_.sentences[active_[active]];
  }

  // Extends every hypothesis to `length` tokens. Returns the newest token of each new row.
  std::vector<int32_t> Step(const std::vector<int32_t>& newest, int64_t length) {
    rows_per_sentence_ = newest.size() / active_.size();
    const NextTokens& next = scorer_.Step(newest, WantedTokens(length), FindForbidden(length));
    std::vector<size_t> still_active;
    std::vector<int32_t> kept_sentences;
    std::vector<std::vector<Candidate>> kept_rows;  // Of each sentence that goes on.
    for (size_t i = 0; i < active_.size(); ++i) {
      const size_t sentence = active_[i];
      std::vector<Candidate> rows = EndSome(Candidates(next, i, length), sentence, length);
      const bool done = finished_[sentence].size() >= static_cast<size_t>(beam_);
      if (done || rows.empty()) continue;
      still_active.push_back(sentence);
      kept_sentences.push_back(static_cast<int32_t>(i));
      kept_rows.push_back(std::move(rows));
    }
    active_ = std::move(still_active);
    if (active_.empty()) return {};
    return Continue(FillUp(std::move(kept_rows)), kept_sentences);
  }

  // The token whose probability each row needs even if it is not among the likeliest.
  std::vector<int32_t> WantedTokens(int64_t length) const {
    std::vector<int32_t> wanted;
    for (size_t i = 0; i < active_.size(); ++i) {
      const SearchedSentence& sentence = Sentence(i);
      const int32_t token =
          sentence.IsGiven(length) ? sentence.GivenToken(length) : input_.special.eos;
      wanted.insert(wanted.end(), rows_per_sentence_, token);
    }
    return wanted;
  }

  // Fills forbidden_. Returns how many of the likeliest tokens of a row are needed so that enough
  // of them are allowed: at most beam_ of the 2 * beam_ best candidates end here, since each row
  // has a single </s>, which leaves enough to fill the beam.
  int64_t FindForbidden(int64_t length) {
    forbidden_.assign(active_.size() * rows_per_sentence_, {});
    size_t most = 0;
    for (size_t row = 0; row < forbidden_.size(); ++row) {
      std::vector<int32_t>& forbidden = forbidden_[row];
      if (options_.no_repeat_ngram_size > 0) {
        const TokenSequence before = Sequence(static_cast<int32_t>(row), length);
        forbidden = RepeatingTokens(before.tokens, options_.no_repeat_ngram_size);
      }
      if (!Sentence(row / rows_per_sentence_).MayEnd(length)) {
        forbidden.push_back(input_.special.eos);
        std::ranges::sort(forbidden);
      }
      most = std::max(most, forbidden.size());
    }
    return 2 * beam_ + static_cast<int64_t>(most);
  }

  // The best continuations of a sentence's hypotheses, best first, at most 2 * beam_size.
  std::vector<Candidate> Candidates(const NextTokens& next, size_t sentence, int64_t length) const {
    const SearchedSentence& searched = Sentence(sentence);
    if (searched.IsGiven(length)) {
      return Wanted(next, sentence, searched.GivenToken(length));
    }
    if (searched.IsLast(length)) return Wanted(next, sentence, input_.special.eos);
    std::vector<Candidate> best = Likeliest(next, sentence);
    // Everything may be forbidden in a small vocabulary.
    return best.empty() ? Wanted(next, sentence, input_.special.eos) : best;
  }

  std::vector<Candidate> Likeliest(const NextTokens& next, size_t sentence) const {
    const auto per_row = static_cast<size_t>(next.per_row);
    std::vector<Candidate> candidates;
    for (size_t row = sentence * rows_per_sentence_; row < (sentence + 1) * rows_per_sentence_;
         ++row) {
      for (size_t c = row * per_row; c < (row + 1) * per_row; ++c) {
        const float score = scores_[row] + next.log_probs[c];
        if (!(score > kImpossible)) break;  // Neither are those that follow, nor is NaN.
        if (std::ranges::binary_search(forbidden_[row], next.tokens[c])) continue;
        candidates.push_back({.score = score,
                              .parent = static_cast<int32_t>(row),
                              .token = next.tokens[c],
                              .log_prob = next.log_probs[c]});
      }
    }
    const size_t count = std::min(candidates.size(), static_cast<size_t>(2 * beam_));
    std::ranges::stable_sort(candidates, std::greater(), &Candidate::score);
    candidates.resize(count);
    return candidates;
  }

  // The continuations by the one token that the scorer was asked for.
  std::vector<Candidate> Wanted(const NextTokens& next, size_t sentence, int32_t token) const {
    std::vector<Candidate> candidates;
    for (size_t row = sentence * rows_per_sentence_; row < (sentence + 1) * rows_per_sentence_;
         ++row) {
      const float score = scores_[row] + next.of_wanted[row];
      if (!(score > kImpossible)) continue;
      const int32_t likeliest = next.tokens[row * static_cast<size_t>(next.per_row)];
      candidates.push_back({.score = score,
                            .parent = static_cast<int32_t>(row),
                            .token = token,
                            .log_prob = next.of_wanted[row],
                            .was_cut = likeliest != token});
    }
    std::ranges::stable_sort(candidates, std::greater(), &Candidate::score);
    return candidates;
  }

  // Finishes the hypotheses that end. Returns those that go on, at most beam_size.
  std::vector<Candidate> EndSome(const std::vector<Candidate>& best, size_t sentence,
                                 int64_t length) {
    std::vector<Candidate> rows;
    for (size_t rank = 0; rank < best.size(); ++rank) {
      const Candidate& candidate = best[rank];
      if (candidate.token == input_.special.eos) {
        // Like any other continuation, </s> counts only if it is among the beam_size best.
        if (rank < static_cast<size_t>(beam_)) Finish(sentence, candidate, length);
      } else if (rows.size() < static_cast<size_t>(beam_)) {
        rows.push_back(candidate);
      }
    }
    return rows;
  }

  // Every sentence needs the same number of rows: impossible ones fill up where too few go on.
  static std::vector<Candidate> FillUp(std::vector<std::vector<Candidate>> of_sentences) {
    size_t most = 0;
    for (const auto& rows : of_sentences) most = std::max(most, rows.size());
    std::vector<Candidate> all;
    for (auto& rows : of_sentences) {
      Candidate filler = rows.front();
      filler.score = kImpossible;
      rows.resize(most, filler);
      all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
  }

  // Makes `rows` the hypotheses of the next step. Returns their newest tokens.
  std::vector<int32_t> Continue(const std::vector<Candidate>& rows,
                                const std::vector<int32_t>& kept_sentences) {
    std::vector<HypothesisTree::Node> nodes;
    std::vector<int32_t> parents;
    std::vector<int32_t> tokens;
    std::vector<std::vector<float>> coverage;
    scores_.clear();
    for (const Candidate& row : rows) {
      nodes.push_back({.token = row.token, .parent = row.parent, .log_prob = row.log_prob});
      if (input_.watches_attention) {
        nodes.back().attended = MostAttended(scorer_.Attention(row.parent));
      }
      coverage.push_back(CoverageAfter(row));
      parents.push_back(row.parent);
      tokens.push_back(row.token);
      scores_.push_back(row.score);
    }
    coverage_ = std::move(coverage);
    tree_.AddStep(std::move(nodes));
    scorer_.Select(kept_sentences, parents);
    return tokens;
  }

  // The tokens of a row before the step to `length`.
  TokenSequence Sequence(int32_t row, int64_t length) const {
    return length == 1 ? TokenSequence() : tree_.Trace(row);
  }

  // The sum of the attention to each source token so far; empty without a coverage penalty.
  std::vector<float> CoverageAfter(const Candidate& candidate) const {
    if (options_.coverage_penalty == 0) return {};
    const std::span<const float> attention = scorer_.Attention(candidate.parent);
    std::vector<float> sum = coverage_[static_cast<size_t>(candidate.parent)];
    sum.resize(attention.size());
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += attention[i];
    return sum;
  }

  // beta * the sum of log(min(coverage, 1)) over the source tokens without </s>. Wu et al. 2016,
  // equation 14.
  double CoveragePenalty(const Candidate& candidate) const {
    constexpr float kLeast = 1e-10F;  // The logarithm of 0 would rule a translation out.
    const std::vector<float> coverage = CoverageAfter(candidate);
    double sum = 0;
    for (size_t i = 0; i + 1 < coverage.size(); ++i) {
      sum += std::log(std::clamp(coverage[i], kLeast, 1.0F));
    }
    return options_.coverage_penalty * sum;
  }

  void Finish(size_t sentence, const Candidate& candidate, int64_t length) {
    TokenSequence sequence = Sequence(candidate.parent, length);
    // Again in double precision: the sum that orders the candidates rounds at each token.
    const double log_probability = std::accumulate(
        sequence.log_probs.begin(), sequence.log_probs.end(), double{candidate.log_prob});
    finished_[sentence].push_back(
        {.sequence = std::move(sequence),
         .end_log_prob = candidate.log_prob,
         .log_probability = log_probability,
         .score = log_probability / LengthPenalty(length, options_.length_penalty) +
                  CoveragePenalty(candidate),
         .was_cut = candidate.was_cut});
  }

  StepScorer& scorer_;
  const SearchInput& input_;
  const DecodingConfig& options_;
  int64_t beam_;
  HypothesisTree tree_;
  std::vector<size_t> active_;  // The sentences that the rows belong to, in order.
  size_t rows_per_sentence_ = 1;
  std::vector<float> scores_;                    // Of the rows, log-probabilities.
  std::vector<std::vector<float>> coverage_;     // Of the rows.
  std::vector<std::vector<int32_t>> forbidden_;  // Of the rows, sorted: no next tokens.
  std::vector<std::vector<Hypothesis>> finished_;
};

}  // namespace

std::vector<std::vector<Hypothesis>> BeamSearch(StepScorer& scorer, const SearchInput& input,
                                                const DecodingConfig& options) {
  if (input.watches_attention) scorer.WatchAttention(options.attention_layer);
  return Search(scorer, input, options).Run();
}

}  // namespace wavemt
