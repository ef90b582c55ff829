#include "training/trainer.h"

#include <ATen/record_function.h>

#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include "support/error.h"
#include "support/logging.h"
#include "support/random.h"
#include "support/signals.h"
#include "training/autocast.h"
#include "training/device_batch.h"
#include "training/learning_rate_schedule.h"
#include "training/loss.h"
#include "training/step_profiler.h"

namespace wavemt {
namespace {

// What a seed that is derived from the run's seed is for.
enum SeedUse : uint64_t { kData = 101, kDropout = 102 };

constexpr std::string_view kWeightsPrefix = "weights.";

Batcher::Options BatcherOptions(const Config& config, const TokenizerPair& tokenizers) {
  return {.batch_tokens = config.training.batch_tokens,
          .seed = DeriveSeed(static_cast<uint64_t>(config.seed), {kData}),
          .source_special = tokenizers.source->special(),
          .target_special = tokenizers.target->special()};
}

// About what a checkpoint takes: weights, two moments and, where there is one, the moving average.
int64_t CheckpointBytes(const NamedTensors& parameters) {
  int64_t bytes = 0;
  for (const auto& [name, parameter] : parameters) bytes += 4 * parameter.nbytes();
  return bytes;
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Trainer::Trainer(const Config& config, TrainingParts parts)
    : config_(config),
      parts_(std::move(parts)),
      batcher_(parts_.train, BatcherOptions(config, parts_.tokenizers)),
      parameters_(ParametersOf(*parts_.model)),
      optimizer_(parameters_, config.training.optimizer),
      time_limit_(parts_.deadline, CheckpointBytes(parameters_)),
      interval_loss_(torch::zeros({}, torch::TensorOptions(parts_.device).dtype(torch::kDouble))) {
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
  optimizer_.set_steps(state_.step);
  batcher_.Seek(state_.position);
  interval_loss_.fill_(state_.interval_loss);
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
  if (is_best || state_.step % config_.training.save_every == 0) Save(is_best);
}

std::string Trainer::Profile(int64_t warmup_steps, int64_t steps) {
  parts_.model->train();
  for (int64_t i = 0; i < warmup_steps; ++i) TrainStep();
  const int64_t tokens_before = state_.target_tokens;
  const StepProfiler profiler;
  for (int64_t i = 0; i < steps; ++i) TrainStep();
  return profiler.Report(
      steps, state_.target_tokens - tokens_before,
      config_.training.precision == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat);
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
  const std::vector<Batch> batches = NextBatches();
  int64_t update_tokens = 0;
  for (const Batch& batch : batches) update_tokens += batch.target_tokens;
  optimizer_.ZeroGradients();
  for (size_t i = 0; i < batches.size(); ++i) {
    interval_loss_ += BackwardBatch(batches[i], static_cast<int64_t>(i), update_tokens);
  }
  gradient_norm_ =
      optimizer_.Step(LearningRateAt(state_.step, config_.training), config_.training.clip_norm);
  if (average_) average_->Update(state_.step);
  state_.position = batcher_.position();
  state_.target_tokens += update_tokens;
  state_.interval_tokens += update_tokens;
  state_.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
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

torch::Tensor Trainer::BackwardBatch(const Batch& batch, int64_t micro_batch,
                                     int64_t update_tokens) {
  torch::manual_seed(DeriveSeed(
      static_cast<uint64_t>(config_.seed),
      {kDropout, static_cast<uint64_t>(state_.step), static_cast<uint64_t>(micro_batch)}));
  const DeviceBatch on_device = ToDevice(batch, parts_.device);
  torch::Tensor loss_sum;
  {
    const Autocast autocast(parts_.device, config_.training.precision);
    Transformer& model = parts_.model;
    const auto memory = model->Encode(on_device.source, on_device.src_padding_mask);
    const auto hidden = model->Decode(on_device.target_input, memory, on_device.src_padding_mask);
    loss_sum = ProjectedCrossEntropy(hidden, model->OutputWeight(), on_device.labels,
                                     config_.training.label_smoothing);
  }
  // The mean over the tokens of the whole update, whatever batches they came in.
  (loss_sum / static_cast<double>(update_tokens)).backward();
  return loss_sum.detach();
}

void Trainer::Log() {
  reporter_->Log({.step = state_.step,
                  .epoch = state_.position.epoch,
                  .loss = interval_loss_.item<double>() /
                          static_cast<double>(std::max<int64_t>(state_.interval_tokens, 1)),
                  .learning_rate = LearningRateAt(state_.step, config_.training),
                  .gradient_norm = gradient_norm_.item<double>()});
  interval_loss_.zero_();
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
  TrainingState state = state_;
  state.interval_loss = interval_loss_.item<double>();
  checkpoint.state = ToJson(state);
  return checkpoint;
}

void Trainer::Save(bool is_best) {
  reporter_->PauseClock();
  const auto start = std::chrono::steady_clock::now();
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
  parts_.run->RemoveOldCheckpoints(config_.training.keep_last, state_.step);
  time_limit_.NoteSave(SecondsSince(start));
  reporter_->ResumeClock();
}

}  // namespace wavemt
