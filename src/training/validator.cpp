#include "training/validator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/evaluation_mode.h"
#include "support/logging.h"
#include "support/progress.h"

namespace wavemt {

Validator::Validator(const Config& config, const TrainingInputs& inputs)
    : config_(config),
      device_(inputs.device),
      sets_(inputs.validation_sets),
      valid_is_renamed_(inputs.valid_is_renamed),
      tokenizers_(inputs.tokenizers),
      world_(inputs.world),
      // At least the best one.
      best_(config.training.best_metric, std::max<int64_t>(1, config.training.average_best)) {}

void Validator::Restore(const TrainingState& state) {
  std::vector<BestScore> best;
  if (state.best_score) {
    best = {{.step = state.best_step, .score = *state.best_score, .loss = state.best_loss}};
    best.insert(best.end(), state.next_best.begin(), state.next_best.end());
  }
  best_.Restore(std::move(best));
  validations_without_best_ = state.validations_without_best;
  is_pending_ = state.validation_pending && !sets_.empty();
  valid_checksum_ = state.valid_checksum;
  length_penalty_ = state.valid_length_penalty;
}

void Validator::SaveTo(TrainingState* state) const {
  state->best_score.reset();
  state->best_loss.reset();
  state->best_step = 0;
  state->next_best.clear();
  if (const std::vector<BestScore>& best = best_.all(); !best.empty()) {
    state->best_score = best.front().score;
    state->best_loss = best.front().loss;
    state->best_step = best.front().step;
    state->next_best.assign(best.begin() + 1, best.end());
  }
  state->validations_without_best = validations_without_best_;
  state->validation_pending = is_pending_;
  state->valid_checksum = valid_checksum_;
  state->valid_length_penalty = length_penalty_;
}

void Validator::DiscardBestThatDoesNotCompare() {
  if (sets_.empty()) return;
  const int64_t checksum = sets_.front().corpus.checksum();
  const bool is_other = valid_checksum_.value_or(checksum) != checksum;
  const bool is_unknown = !valid_checksum_ && valid_is_renamed_;
  const std::vector<BestScore>& best = best_.all();
  if (!best.empty() && (is_other || is_unknown)) {
    spdlog::warn(
        "{} {} the best score, {:.4g} at step {}, was measured on: the best score begins anew",
        sets_.front().description,
        is_other ? "holds another text than"
                 : "has other files, and nothing tells whether they hold the text that",
        best.front().score, WithThousands(best.front().step));
    DiscardBest();
  }
  valid_checksum_ = checksum;
  const std::optional<double> length_penalty = LengthPenaltyOfScores(config_);
  if (!best.empty() && length_penalty_ && length_penalty && *length_penalty != *length_penalty_) {
    spdlog::warn(
        "decoding.length_penalty is {} now, but {} when the best score, {:.4g} at step {}, was "
        "measured: the best score begins anew",
        *length_penalty, *length_penalty_, best.front().score, WithThousands(best.front().step));
    DiscardBest();
  }
  length_penalty_ = length_penalty;
}

void Validator::DiscardBest() {
  best_.Clear();
  validations_without_best_ = 0;
}

bool Validator::IsDue(int64_t step, bool is_last_step) const {
  const int64_t every = config_.training.validate_every;
  if (every == 0 || sets_.empty()) return false;
  return is_last_step || step % every == 0;
}

std::optional<std::vector<SetScores>> Validator::Measure(
    Transformer& model, const std::function<bool()>& stop_requested) {
  const EvaluationMode evaluating(*model);
  std::vector<SetScores> all;
  for (const ValidationSet& set : sets_) {
    std::optional<ValidationScores> scores = MeasureOn(set, model, stop_requested);
    if (!scores) return std::nullopt;
    all.push_back({.key = set.key, .scores = std::move(*scores)});
  }
  return all;
}

std::optional<ValidationScores> Validator::MeasureOn(const ValidationSet& set, Transformer& model,
                                                     const std::function<bool()>& stop_requested) {
  const std::optional<double> loss =
      ValidationLoss(model, set.corpus, device_,
                     {.batch_tokens = config_.training.batch_tokens,
                      .precision = config_.training.precision,
                      .source_special = tokenizers_.source->special(),
                      .target_special = tokenizers_.target->special(),
                      .description = set.description,
                      .stop_requested = stop_requested,
                      .world = world_});
  if (!loss) return std::nullopt;
  ValidationScores scores;
  if (set.score_translations) {
    const std::optional<ValidationScores> translated = set.score_translations(stop_requested);
    if (!translated) return std::nullopt;
    scores = *translated;
  }
  scores.loss = *loss;
  scores.perplexity = std::exp(*loss);
  return scores;
}

std::optional<size_t> Validator::Add(const ValidationScores& scores, int64_t step) {
  is_pending_ = false;
  const auto score = BestScoreOf(scores, config_.training.best_metric, step);
  const std::optional<size_t> place = score ? best_.Add(*score) : std::nullopt;
  if (place == size_t{0}) {
    validations_without_best_ = 0;
  } else {
    ++validations_without_best_;
  }
  return place;
}

}  // namespace wavemt
