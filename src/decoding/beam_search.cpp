#include "decoding/beam_search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "support/error.h"

namespace wavemt {
namespace {

// The unfinished hypotheses as a tree: each token points to its parent in the previous step.
class GrowingHypotheses {
 public:
  struct Node {
    int32_t token;
    int32_t parent;  // Index in the previous step.
  };

  void AddStep(std::vector<Node> nodes) { steps_.push_back(std::move(nodes)); }

  // The tokens of the hypothesis whose last token is `node` of the newest step.
  std::vector<int32_t> Trace(int32_t node) const {
    std::vector<int32_t> tokens;
    for (size_t step = steps_.size(); step-- > 0;) {
      const Node& here = steps_[step][static_cast<size_t>(node)];
      tokens.push_back(here.token);
      node = here.parent;
    }
    std::reverse(tokens.begin(), tokens.end());
    return tokens;
  }

 private:
  std::vector<std::vector<Node>> steps_;
};

class Search {
 public:
  Search(StepScorer& scorer, const BeamSearchInput& input, const DecodingConfig& options)
      : scorer_(scorer), input_(input), options_(options), beam_(options.beam_size) {
    finished_.resize(input.longest_output.size());
    active_.resize(input.longest_output.size());
    std::iota(active_.begin(), active_.end(), 0);
  }

  std::vector<std::vector<Hypothesis>> Run() {
    // A single hypothesis of each sentence: others would be the same.
    scores_.assign(active_.size(), 0.0F);
    std::vector<int32_t> newest(active_.size(), input_.special.bos);
    for (int64_t length = 1; !active_.empty(); ++length) {
      if (input_.stop_requested && input_.stop_requested()) throw SearchStopped();
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
    bool was_cut = false;
  };

  // Extends every hypothesis to `length` tokens. Returns the newest token of each new row.
  std::vector<int32_t> Step(const std::vector<int32_t>& newest, int64_t length) {
    // At most beam_ of the 2 * beam_ best candidates end here, since each row has a single </s>.
    // That leaves enough to fill the beam.
    const NextTokens& next = scorer_.Step(newest, 2 * beam_);
    rows_per_sentence_ = newest.size() / active_.size();
    std::vector<size_t> still_active;
    std::vector<int32_t> kept_sentences;
    std::vector<Candidate> rows;  // The hypotheses that go on.
    for (size_t i = 0; i < active_.size(); ++i) {
      const size_t sentence = active_[i];
      const bool is_last = length >= input_.longest_output[sentence];
      const size_t first_row = rows.size();
      const std::vector<Candidate> best = is_last ? Ends(next, i) : BestCandidates(next, i);
      for (size_t rank = 0; rank < best.size(); ++rank) {
        const Candidate& candidate = best[rank];
        if (candidate.token == input_.special.eos) {
          // Like any other continuation, </s> counts only if it is among the beam_size best.
          if (rank < static_cast<size_t>(beam_)) Finish(sentence, candidate, length);
        } else if (rows.size() - first_row < static_cast<size_t>(beam_)) {
          rows.push_back(candidate);
        }
      }
      const bool done = finished_[sentence].size() >= static_cast<size_t>(beam_);
      if (done || rows.size() == first_row) {
        rows.resize(first_row);
        continue;
      }
      still_active.push_back(sentence);
      kept_sentences.push_back(static_cast<int32_t>(i));
      // Every sentence needs beam_size rows: impossible ones fill up where too few can continue.
      Candidate filler = rows[first_row];
      filler.score = kImpossible;
      rows.resize(first_row + static_cast<size_t>(beam_), filler);
    }
    active_ = std::move(still_active);
    if (active_.empty()) return {};
    return Continue(rows, kept_sentences);
  }

  // The 2 * beam_size best of all continuations of a sentence's hypotheses, best first.
  std::vector<Candidate> BestCandidates(const NextTokens& next, size_t sentence) const {
    const auto per_row = static_cast<size_t>(next.per_row);
    std::vector<Candidate> candidates;
    for (size_t row = sentence * rows_per_sentence_; row < (sentence + 1) * rows_per_sentence_;
         ++row) {
      for (size_t c = row * per_row; c < (row + 1) * per_row; ++c) {
        const float score = scores_[row] + next.log_probs[c];
        if (!(score > kImpossible)) break;  // Neither are those that follow, nor is NaN.
        candidates.push_back(
            {.score = score, .parent = static_cast<int32_t>(row), .token = next.tokens[c]});
      }
    }
    const size_t count = std::min(candidates.size(), static_cast<size_t>(2 * beam_));
    std::ranges::stable_sort(candidates, std::greater(), &Candidate::score);
    candidates.resize(count);
    return candidates;
  }

  // The same where the last position must be </s>.
  std::vector<Candidate> Ends(const NextTokens& next, size_t sentence) const {
    std::vector<Candidate> ends;
    for (size_t row = sentence * rows_per_sentence_; row < (sentence + 1) * rows_per_sentence_;
         ++row) {
      const float score = scores_[row] + next.end[row];
      if (!(score > kImpossible)) continue;
      const int32_t likeliest = next.tokens[row * static_cast<size_t>(next.per_row)];
      ends.push_back({.score = score,
                      .parent = static_cast<int32_t>(row),
                      .token = input_.special.eos,
                      .was_cut = likeliest != input_.special.eos});
    }
    std::ranges::stable_sort(ends, std::greater(), &Candidate::score);
    return ends;
  }

  // Makes `rows` the hypotheses of the next step. Returns their newest tokens.
  std::vector<int32_t> Continue(const std::vector<Candidate>& rows,
                                const std::vector<int32_t>& kept_sentences) {
    std::vector<GrowingHypotheses::Node> nodes;
    std::vector<int32_t> parents;
    std::vector<int32_t> tokens;
    scores_.clear();
    for (const Candidate& row : rows) {
      nodes.push_back({.token = row.token, .parent = row.parent});
      parents.push_back(row.parent);
      tokens.push_back(row.token);
      scores_.push_back(row.score);
    }
    tree_.AddStep(std::move(nodes));
    scorer_.Select(kept_sentences, parents);
    return tokens;
  }

  void Finish(size_t sentence, const Candidate& candidate, int64_t length) {
    finished_[sentence].push_back(
        {.tokens = length == 1 ? std::vector<int32_t>() : tree_.Trace(candidate.parent),
         .log_probability = candidate.score,
         .score = candidate.score / LengthPenalty(length, options_.length_penalty),
         .was_cut = candidate.was_cut});
  }

  StepScorer& scorer_;
  const BeamSearchInput& input_;
  const DecodingConfig& options_;
  int64_t beam_;
  GrowingHypotheses tree_;
  std::vector<size_t> active_;  // The sentences that the rows belong to, in order.
  size_t rows_per_sentence_ = 1;
  std::vector<float> scores_;  // Of the rows, log-probabilities.
  std::vector<std::vector<Hypothesis>> finished_;
};

}  // namespace

double LengthPenalty(int64_t length, double alpha) {
  return std::pow((5.0 + static_cast<double>(length)) / 6.0, alpha);
}

std::vector<std::vector<Hypothesis>> BeamSearch(StepScorer& scorer, const BeamSearchInput& input,
                                                const DecodingConfig& options) {
  return Search(scorer, input, options).Run();
}

}  // namespace wavemt
