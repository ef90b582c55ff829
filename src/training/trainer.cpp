#include "training/trainer.h"

#include <ATen/record_function.h>

#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"
#include "support/random.h"
#include "support/signals.h"
#include "training/learning_rate_schedule.h"
#include "training/non_finite.h"
#include "training/step_profiler.h"
#include "training/tensor_memory.h"

namespace wavemt {
namespace {

constexpr uint64_t kData = 101;  // What a seed that is derived from the run's seed is for.

constexpr std::string_view kWeightsPrefix = "weights.";

Batcher::Options BatcherOptions(const Config& config, const TokenizerPair& tokenizers) {
  return {.batch_tokens = config.training.batch_tokens,
          .seed = DeriveSeed(static_cast<uint64_t>(config.seed), {kData}),
          .source_special = tokenizers.source->special(),
          .target_special = tokenizers.target->special()};
}

std::string MemoryName(const TrainingParts& parts) {
  if (parts.device.is_cuda()) return "the memory of the GPU";
  if (parts.memory_limit.bytes == 0) return "the memory of this machine";
  return fmt::format("a --memory-limit of {}",
                     HumanBytes(static_cast<double>(parts.memory_limit.bytes)));
}

ForwardBackward::Options PassOptions(const Config& config, const TrainingParts& parts) {
  return {.loss = {.device = parts.device,
                   .precision = config.training.precision,
                   .label_smoothing = config.training.label_smoothing},
          .seed = static_cast<uint64_t>(config.seed),
          .memory_name = MemoryName(parts)};
}

// About what a checkpoint takes: weights, two moments and, where there is one, the moving average.
int64_t CheckpointBytes(const NamedTensors& parameters) { return 4 * BytesOf(parameters); }

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Trainer::Trainer(const Config& config, TrainingParts parts)
    : config_(config),
      parts_(std::move(parts)),
      batcher_(parts_.train, BatcherOptions(config, parts_.tokenizers)),
      parameters_(ParametersOf(*parts_.model)),
      forward_backward_(parts_.model, PassOptions(config, parts_)),
      optimizer_(parameters_, config.training.optimizer),
      time_limit_(parts_.deadline, CheckpointBytes(parameters_)),
      tally_(parts_.device) {
  if (config.training.ema_decay > 0) {
    average_ = std::make_unique<WeightAverage>(parameters_, config.training.ema_decay);
  }
}

void Trainer::Restore(const Checkpoint& checkpoint, const std::string& origin) {
  const std::string model_file = fmt::format("{}/{}", origin, kModelFile);
  const std::string optimizer_file = fmt::format("{}/{}", origin, kOptimizerFile);
  state_ = TrainingStateFromJson(checkpoint.state, fmt::format("{}/{}", origin, kStateFile));
  NamedTensors optimizer_state = optimizer_.State();
  CopyTensors(checkpoint.model, StateOf(*parts_.model), model_file);
  if (average_) {
    // The model's file holds the average; the weights in training lie beside the moments.
    for (const auto& [name, parameter] : parameters_) {
      average_->tensors().at(name).copy_(parameter.detach());
      optimizer_state.emplace(std::string(kWeightsPrefix) + name, parameter);
    }
  }
  CopyTensors(checkpoint.optimizer, optimizer_state, optimizer_file);
  optimizer_.set_steps(state_.step - state_.skipped_steps);
  batcher_.Seek(state_.position);
  tally_.Set({.loss = state_.interval_loss,
              .tokens = state_.interval_tokens,
              .skipped = state_.skipped_steps,
              .skipped_in_a_row = state_.skipped_in_a_row});
  state_.validation_pending = state_.validation_pending && parts_.valid != nullptr;
  // A checkpoint whose validation is pending is not the last word about its step.
  if (!state_.validation_pending) saved_step_ = state_.step;
}

StopReason Trainer::Run() {
  const bool has_work = state_.validation_pending || !ReasonToStop();
  if (has_work) {
    reporter_ = std::make_unique<TrainingReporter>(
        *parts_.run,
        MetricsLog::Behind{.step = state_.step, .with_validation = !state_.validation_pending},
        config_.training.max_steps);
  }
  LimitMemory();
  parts_.model->train();
  if (state_.validation_pending) FinishStep();
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
  const bool is_best = state_.validation_pending && Validate();
  save_is_due_ = save_is_due_ || state_.step % config_.training.save_every == 0;
  // Not while steps are being skipped: should the weights be the cause, the checkpoints from before
  // are what is left.
  if (is_best || (save_is_due_ && state_.skipped_in_a_row == 0)) Save(is_best);
}

void Trainer::LimitMemory() {
  if (parts_.memory_limit.bytes == 0) return;
  const int64_t gradients = BytesOf(parameters_);
  const MemoryBudget measured = MemoryBudget::Measure(parts_.memory_limit, gradients);
  // A resumed run keeps the budget that it had: the same batches are then done in halves.
  if (!state_.memory.IsAsGoodAs(measured)) state_.memory = measured;
  TensorMemory::SetLimit(state_.memory.tensors);
  TensorMemory::SetProcessLimit(parts_.memory_limit.bytes - parts_.memory_limit.program);
  spdlog::info("memory: of {}, {} are for tensors", MemoryName(parts_),
               HumanBytes(static_cast<double>(state_.memory.tensors)));
}

std::string Trainer::Profile(int64_t warmup_steps, int64_t steps) {
  LimitMemory();
  parts_.model->train();
  for (int64_t i = 0; i < warmup_steps; ++i) TrainStep();
  const int64_t tokens_before = state_.target_tokens;
  const StepProfiler profiler;
  for (int64_t i = 0; i < steps; ++i) TrainStep();
  const auto type =
      config_.training.precision == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat;
  return profiler.Report({.steps = steps,
                          .target_tokens = state_.target_tokens - tokens_before,
                          .numbers = torch::TensorOptions(parts_.device).dtype(type)});
}

std::optional<StopReason> Trainer::ReasonToStop() const {
  const TrainingConfig& training = config_.training;
  if (StopSignal() != 0) return StopReason::kSignal;
  if (time_limit_.IsOver()) return StopReason::kTimeLimit;
  if (state_.step >= training.max_steps) return StopReason::kMaxSteps;
  if (training.max_epochs > 0 && state_.position.epoch >= training.max_epochs) {
    return StopReason::kMaxEpochs;
  }
  if (training.patience > 0 && state_.validations_without_best >= training.patience) {
    return StopReason::kPatience;
  }
  return std::nullopt;
}

bool Trainer::StopRequested() const { return StopSignal() != 0 || time_limit_.IsOver(); }

void Trainer::TrainStep() {
  const auto start = std::chrono::steady_clock::now();
  ++state_.step;
  batches_ = NextBatches();
  loss_ = ComputeGradient();
  gradient_norm_ = optimizer_.GradientNorm();
  const torch::Tensor is_finite = torch::isfinite(loss_ + gradient_norm_);
  int64_t update_tokens = 0;
  for (const Batch& batch : batches_) update_tokens += batch.target_tokens;
  tally_.Add(loss_, update_tokens, is_finite);
  // Only on the CPU it costs nothing to look; a GPU is told what to do either way.
  const bool can_look = parts_.device.is_cpu();
  if (!can_look || is_finite.item<bool>()) {
    const auto found_inf = can_look ? torch::Tensor() : is_finite.logical_not().to(torch::kFloat);
    optimizer_.Step(LearningRateAt(state_.step, config_.training), config_.training.clip_norm,
                    found_inf);
    if (average_) average_->Update(state_.step, found_inf);
  }
  state_.position = batcher_.position();
  state_.target_tokens += update_tokens;
  state_.seconds += SecondsSince(start);
  if (can_look) ReadTally();
  if (reporter_) reporter_->Step(state_.step, update_tokens);
}

std::vector<Batch> Trainer::NextBatches() {
  RECORD_USER_SCOPE("data");
  std::vector<Batch> batches;
  for (int64_t i = 0; i < config_.training.gradient_accumulation; ++i) {
    batches.push_back(batcher_.Next());
  }
  return batches;
}

torch::Tensor Trainer::ComputeGradient() {
  try {
    return forward_backward_.Run(state_.step, batches_, [this] { optimizer_.ZeroGradients(); });
  } catch (const Error&) {
    // Nothing has changed yet: what was trained so far is worth a checkpoint.
    optimizer_.ZeroGradients();
    --state_.step;
    if (reporter_ && state_.step > 0) Save(/*is_best=*/false);
    throw;
  }
}

void Trainer::ReadTally() {
  const StepTally::Sums sums = tally_.Read();
  const int64_t skipped = sums.skipped - state_.skipped_steps;
  state_.interval_loss = sums.loss;
  state_.interval_tokens = sums.tokens;
  state_.skipped_steps = sums.skipped;
  state_.skipped_in_a_row = sums.skipped_in_a_row;
  if (skipped == 0) return;
  // On a GPU, where it is asked for now and then, the last step may be a good one.
  const std::string cause =
      sums.skipped_in_a_row == 0 ? "" : WhereNotFinite(*parts_.model, loss_, [this] {
        forward_backward_.Forward(state_.step, batches_);
      });
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
  if (!latest)
    return text + "; no checkpoint was written before; a lower training.learning_rate may help";
  text += fmt::format(
      "; the newest checkpoint, of step {}, is from before: `wavemt resume {} --set "
      "training.learning_rate=...` with a lower one may get past here",
      WithThousands(*latest), run);
  if (*latest == state_.step - state_.skipped_in_a_row) {
    text += fmt::format(
        " (it holds the very weights that failed: remove {} to go on from the one before)",
        parts_.run->CheckpointPath(*latest).string());
  }
  return text;
}

void Trainer::Log() {
  ReadTally();
  reporter_->Log({.step = state_.step,
                  .epoch = state_.position.epoch,
                  // Not a number where all steps were skipped.
                  .loss = state_.interval_loss / static_cast<double>(state_.interval_tokens),
                  .learning_rate = LearningRateAt(state_.step, config_.training),
                  .gradient_norm = gradient_norm_.item<double>(),
                  .skipped_steps = state_.skipped_steps});
  tally_.ClearInterval();
  state_.interval_loss = 0;
  state_.interval_tokens = 0;
}

bool Trainer::ValidationIsDue() const {
  const TrainingConfig& training = config_.training;
  if (training.validate_every == 0 || parts_.valid == nullptr) return false;
  // What a run ends with is measured as well.
  const bool is_last = state_.step == training.max_steps ||
                       (training.max_epochs > 0 && state_.position.epoch == training.max_epochs);
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
  const auto score = ScoreOf(scores, metric);
  const bool is_best = score && std::isfinite(*score) &&
                       (!state_.best_score || IsBetter(*score, *state_.best_score, metric));
  if (is_best) {
    state_.best_score = score;
    state_.best_step = state_.step;
    state_.validations_without_best = 0;
  } else {
    ++state_.validations_without_best;
  }
  reporter_->Validation(state_.step, state_.position.epoch, scores, is_best);
  reporter_->ResumeClock();
  return is_best;
}

std::optional<ValidationScores> Trainer::MeasureValidation() {
  std::optional<WeightAverage::Applied> applied;
  if (average_) applied.emplace(*average_);
  parts_.model->eval();
  const auto stop_requested = [this] { return StopRequested(); };
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

Checkpoint Trainer::MakeCheckpoint() const {
  Checkpoint checkpoint;
  checkpoint.model = StateOf(*parts_.model);
  checkpoint.optimizer = optimizer_.State();
  if (average_) {
    for (const auto& [name, parameter] : parameters_) {
      checkpoint.optimizer[std::string(kWeightsPrefix) + name] = parameter;
      checkpoint.model[name] = average_->tensors().at(name);
    }
  }
  checkpoint.state = ToJson(state_);
  for (const NamedTensors* tensors : {&checkpoint.model, &checkpoint.optimizer}) {
    if (const std::string name = FirstNotFinite(*tensors); !name.empty()) {
      throw Failure("step {}: {} is not finite, which no checkpoint may hold",
                    WithThousands(state_.step), name);
    }
  }
  return checkpoint;
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
      WriteCheckpoint(parts_.run->CheckpointPath(state_.step), MakeCheckpoint());
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

}  // namespace wavemt
