#include "training/trainer.h"

#include <ATen/record_function.h>

#include <chrono>
#include <cmath>
#include <exception>
#include <utility>
#include <vector>

#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"
#include "support/random.h"
#include "support/signals.h"
#include "training/best_time.h"
#include "training/learning_rate_schedule.h"
#include "training/step_profiler.h"

namespace wavemt {
namespace {

constexpr uint64_t kData = 101;  // What a seed that is derived from the run's seed is for.

Batcher::Options BatcherOptions(const Config& config, const TokenizerPair& tokenizers) {
  return {.batch_tokens = config.training.batch_tokens,
          .seed = DeriveSeed(static_cast<uint64_t>(config.seed), {kData}),
          .source_special = tokenizers.source->special(),
          .target_special = tokenizers.target->special()};
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void RequireSameCorpus(int64_t checksum, const TokenizedCorpus& train, const std::string& origin) {
  if (checksum == train.checksum()) return;
  throw UsageError(
      "{}: was trained on another text than data.train holds now, and its place in the one is none "
      "in the other; put the old text back, or begin a new run by `wavemt train`",
      origin);
}

Trainer::Trainer(const Config& config, TrainingParts parts)
    : config_(config),
      parts_(std::move(parts)),
      batcher_(parts_.train, BatcherOptions(config, parts_.tokenizers)),
      updater_(config, parts_.model, parts_.device, parts_.memory_limit),
      time_limit_(parts_.deadline, updater_.CheckpointBytes()) {}

void Trainer::Restore(const Checkpoint& checkpoint, const std::string& origin) {
  state_ = TrainingStateFromJson(checkpoint.state, fmt::format("{}/{}", origin, kStateFile));
  if (state_.corpus_checksum) RequireSameCorpus(*state_.corpus_checksum, parts_.train, origin);
  if (state_.position_is_of_earlier_version) {
    if (state_.position.batch > 0) {
      spdlog::warn(
          "{}: is of a version before 0.2.0, which cut other batches: epoch {} begins anew", origin,
          EpochNumber(state_.position));
    }
    state_.position.batch = 0;
    state_.position_is_of_earlier_version = false;
  }
  updater_.Restore(checkpoint, state_, origin);
  batcher_.Seek(state_.position);
  state_.validation_pending = state_.validation_pending && parts_.valid != nullptr;
  // A checkpoint whose validation is pending is not the last word about its step.
  if (!state_.validation_pending) saved_step_ = state_.step;
}

StopReason Trainer::Run() {
  const bool has_work = state_.validation_pending || !ReasonToStop();
  if (has_work) {
    reporter_ = std::make_unique<TrainingReporter>(
        *parts_.run,
        MetricsLog::Behind{.step = state_.step,
                           .with_validation = !state_.validation_pending,
                           .mark = state_.metrics},
        LastStep());
  }
  if (has_work) CompareValidationText();
  state_.memory = updater_.LimitMemory(state_.memory);
  parts_.model->train();
  if (state_.validation_pending) {
    FinishStep();
    if (state_.validation_pending && time_limit_.IsOver()) {
      spdlog::warn(
          "the validation of step {}, which an earlier stop had left out, was cut short by "
          "--max-minutes: it needs more minutes, or a smaller data.valid",
          WithThousands(state_.step));
    }
  }
  while (true) {
    if (const auto reason = ReasonToStop()) {
      if (has_work && saved_step_ != state_.step) Save(/*is_best=*/false);
      reporter_.reset();
      return *reason;
    }
    const auto start = std::chrono::steady_clock::now();
    TrainStep();
    time_limit_.NoteStep(SecondsSince(start));
    if (state_.step % config_.training.log_every == 0) Log();
    state_.validation_pending = ValidationIsDue();
    FinishStep();
  }
}

void Trainer::FinishStep() {
  bool is_best = false;
  try {
    is_best = state_.validation_pending && Validate();
  } catch (const Error&) {
    // Memory that ran out, say: what was trained so far is worth a checkpoint. The validation stays
    // pending in it.
    SaveBeforeFailure();
    throw;
  }
  save_is_due_ = save_is_due_ || state_.step % config_.training.save_every == 0;
  if (save_is_due_) ReadTally();  // On a GPU it is of an earlier step.
  // Not while steps are being skipped: should the weights be the cause, the checkpoints from before
  // are what is left.
  if (is_best || (save_is_due_ && state_.skipped_in_a_row == 0)) Save(is_best);
}

std::string Trainer::Profile(int64_t warmup_steps, int64_t steps) {
  state_.memory = updater_.LimitMemory(state_.memory);
  parts_.model->train();
  for (int64_t i = 0; i < warmup_steps; ++i) TrainStep();
  std::string as_trained;
  if (parts_.device.is_cuda()) {
    // On a GPU to profile changes the time: what training takes is measured before.
    const int64_t tokens_before = state_.target_tokens;
    const double seconds = BestSeconds(/*rounds=*/1, parts_.device, [&] {
      for (int64_t i = 0; i < steps; ++i) TrainStep();
    });
    const auto tokens = static_cast<double>(state_.target_tokens - tokens_before);
    as_trained = fmt::format(
        "in training a step takes {:.1f} ms: {} target tokens/s; below, each operation is waited "
        "for\n\n",
        1e3 * seconds / static_cast<double>(steps),
        WithThousands(static_cast<int64_t>(tokens / seconds)));
  }
  const int64_t tokens_before = state_.target_tokens;
  const StepProfiler profiler(parts_.device);
  for (int64_t i = 0; i < steps; ++i) TrainStep();
  return as_trained + profiler.Report({.steps = steps,
                                       .target_tokens = state_.target_tokens - tokens_before,
                                       .numbers = config_.training.precision == Precision::kBf16
                                                      ? torch::kBFloat16
                                                      : torch::kFloat});
}

void Trainer::CompareValidationText() {
  if (parts_.valid == nullptr) return;
  const int64_t checksum = parts_.valid->checksum();
  const bool is_other = state_.valid_checksum.value_or(checksum) != checksum;
  const bool is_unknown = !state_.valid_checksum && parts_.valid_is_renamed;
  if (state_.best_score && (is_other || is_unknown)) {
    spdlog::warn(
        "{} the best score, {:.4g} at step {}, was measured on: the best score begins anew",
        is_other ? "data.valid holds another text than"
                 : "data.valid has other files, and nothing tells whether they hold the text that",
        *state_.best_score, WithThousands(state_.best_step));
    state_.best_score.reset();
    state_.best_loss.reset();
    state_.best_step = 0;
    state_.validations_without_best = 0;
  }
  state_.valid_checksum = checksum;
}

std::optional<StopReason> Trainer::ReasonToStop() {
  const TrainingConfig& training = config_.training;
  if (StopSignal() != 0) return StopReason::kSignal;
  // A validation is left pending by a stop only; what it was to measure must not be trained over.
  if (time_limit_.IsOver() || state_.validation_pending) return StopReason::kTimeLimit;
  if (state_.step >= training.max_steps) return StopReason::kMaxSteps;
  if (training.max_epochs > 0 && state_.position.epoch >= training.max_epochs) {
    return StopReason::kMaxEpochs;
  }
  if (training.patience > 0 && state_.validations_without_best >= training.patience) {
    return StopReason::kPatience;
  }
  return std::nullopt;
}

int64_t Trainer::LastStep() const {
  const TrainingConfig& training = config_.training;
  if (training.max_epochs == 0) return training.max_steps;
  const auto epochs = static_cast<double>(training.max_epochs - state_.position.epoch);
  const double batches = epochs * static_cast<double>(batcher_.batches_per_epoch()) -
                         static_cast<double>(state_.position.batch);
  const double steps = std::ceil(batches / static_cast<double>(training.gradient_accumulation));
  const bool epochs_end_first = steps < static_cast<double>(training.max_steps - state_.step);
  return epochs_end_first ? state_.step + static_cast<int64_t>(steps) : training.max_steps;
}

bool Trainer::StopRequested() { return StopSignal() != 0 || time_limit_.IsOver(); }

std::function<bool()> Trainer::StopQuestion() {
  // Shared by all copies of the question.
  const auto asked = std::make_shared<TimeLimit::Clock::time_point>(TimeLimit::Clock::now());
  return [this, asked] {
    time_limit_.NotePause(SecondsSince(*asked));
    *asked = TimeLimit::Clock::now();
    return StopRequested();
  };
}

void Trainer::TrainStep() {
  const auto start = std::chrono::steady_clock::now();
  int64_t tokens = 0;
  try {
    std::vector<Batch> batches = NextBatches();
    tokens = TargetTokens(batches);
    updater_.Step(state_.step + 1, std::move(batches));
  } catch (const Error&) {
    // Nothing has changed yet: what was trained so far is worth a checkpoint.
    if (reporter_ && state_.step > 0) SaveBeforeFailure();
    throw;
  }
  ++state_.step;
  state_.position = batcher_.position();
  state_.target_tokens += tokens;
  state_.seconds += SecondsSince(start);
  if (parts_.device.is_cpu()) ReadTally();  // Where that does not wait.
  if (reporter_) reporter_->Step(state_.step, tokens);
}

std::vector<Batch> Trainer::NextBatches() {
  RECORD_USER_SCOPE("data");
  std::vector<Batch> batches;
  for (int64_t i = 0; i < config_.training.gradient_accumulation; ++i) {
    batches.push_back(batcher_.Next());
  }
  return batches;
}

void Trainer::ReadTally() {
  const StepTally::Sums sums = updater_.tally().Read();
  const int64_t skipped = sums.skipped - state_.skipped_steps;
  state_.interval_loss = sums.loss;
  state_.interval_tokens = sums.tokens;
  state_.skipped_steps = sums.skipped;
  state_.skipped_in_a_row = sums.skipped_in_a_row;
  if (skipped == 0) return;
  // On a GPU, where it is asked for now and then, the last step may be a good one.
  const std::string cause = sums.skipped_in_a_row == 0 ? "" : updater_.WhereNotFinite();
  const std::string steps =
      skipped == 1 && sums.skipped_in_a_row > 0
          ? fmt::format("step {} is skipped and changes no weight", WithThousands(state_.step))
          : fmt::format("{} steps up to step {} were skipped and changed no weight", skipped,
                        WithThousands(state_.step));
  spdlog::warn("{}, as loss or gradient are not finite{}{} ({} in a row)", steps,
               cause.empty() ? "" : ": ", cause, sums.skipped_in_a_row);
  if (sums.skipped_in_a_row < config_.training.max_skipped_steps) return;
  throw Failure("{}", SkippedTooOften(cause));
}

std::string Trainer::SkippedTooOften(const std::string& cause) const {
  std::string text = fmt::format(
      "step {}: the {}. step in a row whose loss or gradient is not finite "
      "(training.max_skipped_steps): {}",
      WithThousands(state_.step), state_.skipped_in_a_row, cause);
  if (!parts_.run) return text;
  const std::string run = parts_.run->path().string();
  const auto latest = parts_.run->LatestStep();
  if (!latest) {
    return text + fmt::format(
                      "; no checkpoint was written before: `wavemt resume {} --set "
                      "training.learning_rate=...` with a lower one begins anew",
                      run);
  }
  text += fmt::format(
      "; the newest checkpoint, of step {}, is from before: `wavemt resume {} --set "
      "training.learning_rate=...` with a lower one may get past here",
      WithThousands(*latest), run);
  // A stop saves whatever there is, in the middle of skipping as well.
  if (*latest < state_.step - state_.skipped_in_a_row) return text;
  text += " (it holds the very weights that failed";
  if (parts_.run->CheckpointSteps().size() > 1) {
    text += fmt::format(": remove {} to go on from the one before",
                        parts_.run->CheckpointPath(*latest).string());
  }
  return text + ")";
}

void Trainer::Log() {
  ReadTally();
  reporter_->Log({.step = state_.step,
                  .epoch = EpochNumber(state_.position),
                  // Not a number where all steps were skipped.
                  .loss = state_.interval_loss / static_cast<double>(state_.interval_tokens),
                  .learning_rate = LearningRateAt(state_.step, config_.training),
                  .gradient_norm = updater_.gradient_norm().item<double>(),
                  .skipped_steps = state_.skipped_steps,
                  .last_step = LastStep()});
  updater_.tally().ClearInterval();
  state_.interval_loss = 0;
  state_.interval_tokens = 0;
}

bool Trainer::ValidationIsDue() const {
  const TrainingConfig& training = config_.training;
  if (training.validate_every == 0 || parts_.valid == nullptr) return false;
  // What a run ends with is measured as well.
  const bool is_last = state_.step == training.max_steps ||
                       (training.max_epochs > 0 && state_.position.epoch >= training.max_epochs);
  return is_last || state_.step % training.validate_every == 0;
}

bool Trainer::Validate() {
  reporter_->PauseClock();
  const std::optional<ValidationScores> measured = MeasureValidation();
  if (!measured) {
    reporter_->ResumeClock();
    return false;
  }
  const ValidationScores& scores = *measured;
  state_.validation_pending = false;
  const ValidationMetric metric = config_.training.best_metric;
  std::optional<BestScore> best;
  if (state_.best_score) best = {.score = *state_.best_score, .loss = state_.best_loss};
  const bool is_best = IsBetter(scores, best, metric);
  if (is_best) {
    state_.best_score = ScoreOf(scores, metric);
    state_.best_loss = scores.loss;
    state_.best_step = state_.step;
    state_.validations_without_best = 0;
  } else {
    ++state_.validations_without_best;
  }
  reporter_->Validation(state_.step, EpochNumber(state_.position), scores, is_best);
  reporter_->ResumeClock();
  return is_best;
}

std::optional<ValidationScores> Trainer::MeasureValidation() {
  const auto averaged = updater_.ApplyAverage();
  parts_.model->eval();
  const std::function<bool()> stop_requested = StopQuestion();
  ValidationScores scores;
  const std::optional<double> loss =
      ValidationLoss(parts_.model, *parts_.valid, parts_.device,
                     {.batch_tokens = config_.training.batch_tokens,
                      .precision = config_.training.precision,
                      .source_special = parts_.tokenizers.source->special(),
                      .target_special = parts_.tokenizers.target->special(),
                      .stop_requested = stop_requested});
  std::optional<TranslationScore> translated;
  if (loss && parts_.score_translations) translated = parts_.score_translations(stop_requested);
  parts_.model->train();
  if (!loss || (parts_.score_translations && !translated)) return std::nullopt;
  scores.loss = *loss;
  scores.perplexity = std::exp(scores.loss);
  if (translated) {
    scores.bleu = translated->bleu;
    scores.bleu_signature = translated->signature;
    scores.chrf = translated->chrf;
    scores.chrf_signature = translated->chrf_signature;
  }
  return scores;
}

void Trainer::Save(bool is_best) {
  reporter_->PauseClock();
  const auto start = std::chrono::steady_clock::now();
  ReadTally();
  save_is_due_ = false;
  try {
    if (saved_step_ != state_.step) {
      // Lines of the log first: a checkpoint promises that what came before it is there.
      reporter_->Sync();
      state_.corpus_checksum = parts_.train.checksum();
      state_.metrics = reporter_->metrics_mark();
      WriteCheckpoint(parts_.run->CheckpointPath(state_.step), updater_.MakeCheckpoint(state_));
      parts_.run->SetLatest(state_.step);
      saved_step_ = state_.step;
    }
    if (is_best) parts_.run->SetBest(state_.step);
  } catch (const Error& error) {
    throw Failure(
        "{}; training stops here, and `wavemt resume {}` goes on from the checkpoint before",
        error.what(), parts_.run->path().string());
  }
  if (state_.skipped_in_a_row == 0) {
    parts_.run->RemoveOldCheckpoints(config_.training.keep_last, state_.step);
  }
  time_limit_.NoteSave(SecondsSince(start));
  reporter_->ResumeClock();
}

void Trainer::SaveBeforeFailure() {
  try {
    ReadTally();  // On a GPU it is of an earlier step.
    if (state_.skipped_in_a_row == 0) Save(/*is_best=*/false);
  } catch (const std::exception& error) {  // Whatever it is, the failure before says more.
    spdlog::error("{}", error.what());
  }
}

}  // namespace wavemt
