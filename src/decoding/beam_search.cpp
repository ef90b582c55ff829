#include "decoding/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "support/error.h"

namespace wavemt {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();

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
    const auto sentences = static_cast<int64_t>(active_.size());
    // Only one row per sentence starts with a possible score: the others would duplicate it.
    scores_ = torch::full({sentences, beam_}, kImpossible, torch::kFloat);
    scores_.select(1, 0).fill_(0.0F);
    scores_ = scores_.to(input_.device);
    auto newest = torch::full({sentences * beam_}, static_cast<int64_t>(input_.special.bos),
                              torch::TensorOptions(input_.device).dtype(torch::kLong));
    for (int64_t length = 1; !active_.empty(); ++length) {
      if (input_.stop_requested && input_.stop_requested()) throw SearchStopped();
      newest = Step(newest, length);
    }
    for (auto& hypotheses : finished_) {
      if (hypotheses.empty()) {
        throw UsageError("the model's weights are unusable: they let no translation end");
      }
      std::stable_sort(hypotheses.begin(), hypotheses.end(),
                       [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
      hypotheses.resize(std::min(hypotheses.size(), static_cast<size_t>(options_.n_best)));
    }
    return std::move(finished_);
  }

 private:
  // The log-probabilities of the next tokens, -infinity for forbidden ones: [rows, vocabulary].
  torch::Tensor AllowedScores(const torch::Tensor& newest, int64_t length) {
    torch::Tensor log_probs = scorer_.Step(newest);
    const SpecialTokens& special = input_.special;
    for (const int32_t token : {special.pad, special.bos, special.unk}) {
      if (token != special.eos) log_probs.select(1, token).fill_(kImpossible);
    }
    cut_rows_.assign(active_.size() * static_cast<size_t>(beam_), false);
    for (size_t i = 0; i < active_.size(); ++i) {
      if (length < input_.longest_output[active_[i]]) continue;
      // The last position must be </s>.
      const int64_t first = static_cast<int64_t>(i) * beam_;
      auto rows = log_probs.narrow(0, first, beam_);
      const auto likeliest = rows.argmax(1).to(torch::kCPU);
      for (int64_t row = 0; row < beam_; ++row) {
        cut_rows_[static_cast<size_t>(first + row)] =
            likeliest.const_data_ptr<int64_t>()[row] != special.eos;
      }
      const auto end = rows.select(1, special.eos).clone();
      rows.fill_(kImpossible);
      rows.select(1, special.eos).copy_(end);
    }
    return log_probs;
  }

  // Extends every hypothesis to `length` tokens. Returns the newest token of each new row.
  torch::Tensor Step(const torch::Tensor& newest, int64_t length) {
    const auto sentences = static_cast<int64_t>(active_.size());
    const auto log_probs = AllowedScores(newest, length);  // [sentences * beam, vocabulary]
    const int64_t vocabulary = log_probs.size(1);
    const auto totals = (log_probs.view({sentences, beam_, vocabulary}) + scores_.unsqueeze(2))
                            .view({sentences, beam_ * vocabulary});
    // At most beam_ of the 2 * beam_ candidates end here, since each row has a single </s>. That
    // leaves enough to fill the beam.
    const int64_t candidates = std::min(2 * beam_, beam_ * vocabulary);
    const auto [best, indices] = totals.topk(candidates, /*dim=*/1);  // [sentences, candidates]
    const auto best_cpu = best.to(torch::kCPU).contiguous();
    const auto indices_cpu = indices.to(torch::kCPU).contiguous();

    std::vector<size_t> still_active;
    std::vector<int64_t> kept_sentences;
    std::vector<int64_t> parents;
    std::vector<int64_t> tokens;
    std::vector<float> scores;
    std::vector<GrowingHypotheses::Node> nodes;
    for (int64_t i = 0; i < sentences; ++i) {
      const float* candidate_scores = best_cpu.const_data_ptr<float>() + i * candidates;
      const int64_t* candidate_indices = indices_cpu.const_data_ptr<int64_t>() + i * candidates;
      const size_t first_row = nodes.size();
      for (int64_t c = 0; c < candidates; ++c) {
        const float score = candidate_scores[c];
        if (score == kImpossible) break;
        const int64_t parent = i * beam_ + candidate_indices[c] / vocabulary;
        const int64_t token = candidate_indices[c] % vocabulary;
        if (token == input_.special.eos) {
          // Like any other continuation, </s> counts only if it is among the beam_size best.
          if (c < beam_) Finish(active_[static_cast<size_t>(i)], parent, score, length);
        } else if (nodes.size() - first_row < static_cast<size_t>(beam_)) {
          nodes.push_back({static_cast<int32_t>(token), static_cast<int32_t>(parent)});
          parents.push_back(parent);
          tokens.push_back(token);
          scores.push_back(score);
        }
      }
      const size_t sentence = active_[static_cast<size_t>(i)];
      const bool done = finished_[sentence].size() >= static_cast<size_t>(beam_);
      if (done || nodes.size() == first_row) {
        nodes.resize(first_row);
        parents.resize(first_row);
        tokens.resize(first_row);
        scores.resize(first_row);
        continue;
      }
      still_active.push_back(sentence);
      kept_sentences.push_back(i);
      // Every sentence needs beam_size rows: impossible ones fill up where too few can continue.
      while (nodes.size() - first_row < static_cast<size_t>(beam_)) {
        nodes.push_back(nodes[first_row]);
        parents.push_back(parents[first_row]);
        tokens.push_back(tokens[first_row]);
        scores.push_back(kImpossible);
      }
    }
    const bool some_finished = kept_sentences.size() < active_.size();
    active_ = std::move(still_active);
    if (active_.empty()) return {};
    tree_.AddStep(std::move(nodes));
    if (some_finished) scorer_.SelectSentences(ToDevice(kept_sentences));
    scorer_.SelectRows(ToDevice(parents));
    scores_ = torch::tensor(scores).view({-1, beam_}).to(input_.device);
    return ToDevice(tokens);
  }

  void Finish(size_t sentence, int64_t parent, float log_probability, int64_t length) {
    finished_[sentence].push_back(
        {.tokens = length == 1 ? std::vector<int32_t>() : tree_.Trace(static_cast<int32_t>(parent)),
         .log_probability = log_probability,
         .score = log_probability / LengthPenalty(length, options_.length_penalty),
         .was_cut = cut_rows_[static_cast<size_t>(parent)]});
  }

  torch::Tensor ToDevice(const std::vector<int64_t>& values) const {
    return torch::tensor(values, torch::kLong).to(input_.device);
  }

  StepScorer& scorer_;
  const BeamSearchInput& input_;
  const DecodingConfig& options_;
  int64_t beam_;
  GrowingHypotheses tree_;
  torch::Tensor scores_;        // [active sentences, beam], each row's log-probability.
  std::vector<size_t> active_;  // The sentences that the rows belong to, in order.
  std::vector<bool> cut_rows_;  // Rows whose likeliest token is not </s>, but which must end.
  std::vector<std::vector<Hypothesis>> finished_;
};

}  // namespace

double LengthPenalty(int64_t length, double alpha) {
  return std::pow((5.0 + static_cast<double>(length)) / 6.0, alpha);
}

std::vector<std::vector<Hypothesis>> BeamSearch(StepScorer& scorer, const BeamSearchInput& input,
                                                const DecodingConfig& options) {
  const torch::NoGradGuard no_grad;
  return Search(scorer, input, options).Run();
}

}  // namespace wavemt
