#include "training/trainer.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "data/subword_sampler.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"
#include "support/random.h"
#include "training/average_maker.h"
#include "training/learning_rate_schedule.h"
#include "training/reporters.h"
#include "training/tensor_memory.h"

namespace wavemt {
namespace {

std::string NumberOfProcesses(int64_t number) {
  return fmt::format("{} process{}", WithThousands(number), number == 1 ? "" : "es");
}

// Null: the text is segmented in the same way in each pass.
std::shared_ptr<const SubwordSampler> MakeSampler(const Config& config,
                                                  const TokenizerPair& tokenizers) {
  if (!config.tokenizer.sampling.is_on()) return nullptr;
  return std::make_shared<const SubwordSampler>(
      tokenizers, SubwordSampler::Options{.sampling = config.tokenizer.sampling,
                                          .max_length = config.data.max_length,
                                          .num_threads = at::get_num_threads()});
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void RequireSameCorpus(int64_t checksum, const TokenizedCorpus& train, const std::string& origin) {
  if (checksum == train.checksum()) return;
  throw UsageError(
      "{}: was trained on another text than data.train holds now, in which its position means "
      "nothing; put the old text back, or start a new run with `wavemt train`",
      origin);
}

Batcher::Options BatcherOptions(const Config& config, const TokenizerPair& tokenizers) {
  return {.batch_tokens = config.training.batch_tokens,
          .seed = DeriveSeed(static_cast<uint64_t>(config.seed), RandomStream::kData),
          .source_special = tokenizers.source->special(),
          .target_special = tokenizers.target->special(),
          .sampler = MakeSampler(config, tokenizers)};
}

Trainer::Trainer(const Config& config, TrainingInputs inputs)
    : config_(config),
      inputs_(std::move(inputs)),
      batcher_(inputs_.train, BatcherOptions(config, inputs_.tokenizers)),
      updater_(config, inputs_.model, inputs_.device,
               {.memory_name = inputs_.memory_limit.Description(inputs_.device.is_cuda()),
                .world = inputs_.world}),
      validator_(config, inputs_),
      stop_rules_(config.training, inputs_.deadline, updater_.trained().CheckpointBytes()),
      saver_(config.training),
      skipped_steps_(config.training.max_skipped_steps, inputs_.run) {
  clock_.Pause();
}

void Trainer::Restore(const Checkpoint& checkpoint, const std::string& origin) {
  const TrainingState state =
      TrainingStateFromJson(checkpoint.state, fmt::format("{}/{}", origin, kStateFile));
  if (state.corpus_checksum) RequireSameCorpus(*state.corpus_checksum, inputs_.train, origin);
  const int64_t num_ranks = inputs_.world->size();
  if (state.num_ranks != num_ranks) {
    spdlog::warn(
        "{}: was trained by {} and goes on with {}, at the same place in the data; an update now "
        "has {} batches instead of {}, and sums are rounded differently",
        origin, NumberOfProcesses(state.num_ranks), NumberOfProcesses(num_ranks),
        num_ranks * config_.training.gradient_accumulation,
        state.num_ranks * config_.training.gradient_accumulation);
  }
  step_ = state.step;
  position_ = state.position;
  if (state.position_is_of_earlier_version) {
    if (position_.batch > 0) {
      spdlog::warn(
          "{}: is from a version before 0.2.0, which cut other batches: epoch {} begins anew",
          origin, EpochNumber(position_));
    }
    position_.batch = 0;
  }
  batcher_.Seek(position_);
  target_tokens_ = state.target_tokens;
  memory_ = state.memory;
  metrics_mark_ = state.metrics;
  clock_.Restore(state.seconds);
  updater_.trained().Restore(checkpoint, state.step - state.skipped_steps, origin);
  updater_.tally().Set({.loss = state.interval_loss,
                        .tokens = state.interval_tokens,
                        .skipped = state.skipped_steps,
                        .skipped_in_a_row = state.skipped_in_a_row});
  skipped_steps_.Restore(state.skipped_steps);
  validator_.Restore(state);
  // A checkpoint with a pending validation will be replaced.
  if (!validator_.is_pending()) saver_.NoteSaved(step_);
}

StopReason Trainer::Run() {
  // On the heap, the room between the gradients of one layer does not fit what the next computes
  // again, and a step took twice the memory of its tensors.
  if (config_.training.gradient_checkpointing && inputs_.device.is_cpu()) {
    TensorMemory::KeepLargeApart();
  }
  // Also if all that is left to do is the average.
  memory_ = MemoryBudget::Enforce(inputs_.memory_limit, memory_,
                                  BytesOf(updater_.trained().parameters()), *inputs_.world);
  const bool must_save_start = inputs_.saves_start && !saver_.IsSaved(step_);
  if (!validator_.is_pending() && !must_save_start) {
    if (const auto reason = ReasonToStop()) return End(*reason);
  }
  inputs_.world->OnFirst([&] {
    listeners_ = OpenReporters(
        *inputs_.run,
        {.step = step_, .with_validation = !validator_.is_pending(), .mark = metrics_mark_},
        {.last_step = LastStep(),
         .config = config_,
         .start = inputs_.start,
         .pictures = inputs_.pictures});
  });
  validator_.DiscardBestThatDoesNotCompare();
  updater_.trained().TakeFromFirst(*inputs_.world);
  inputs_.model->train();
  if (must_save_start) Save(/*is_best=*/false);
  clock_.Resume();  // It was paused while everything was prepared.
  if (validator_.is_pending()) {
    FinishStep();
    if (validator_.is_pending() && stop_rules_.time_limit().IsOver()) {
      spdlog::warn(
          "the validation of step {}, which was interrupted before, was interrupted again by "
          "--max-minutes: it needs more minutes, or a smaller data.valid",
          WithThousands(step_));
    }
  }
  while (true) {
    if (const auto reason = ReasonToStop()) {
      if (!saver_.IsSaved(step_)) Save(/*is_best=*/false);
      if (IsDone(*reason)) {
        Notify([&](TrainingListener& listener) { listener.OnDone(step_); });
      }
      listeners_.clear();
      return End(*reason);
    }
    TrainStep();
    if (step_ % config_.training.log_every == 0) ReportInterval();
    ReportWeights();
    if (validator_.IsDue(step_, stop_rules_.IsLastStep(Status()))) validator_.Request();
    FinishStep();
  }
}

std::optional<StopReason> Trainer::ReasonToStop() {
  const std::optional<StopReason> own = stop_rules_.ReasonToStop(Status());
  int64_t agreed = 0;
  try {
    agreed = inputs_.world->Max(own ? 1 + static_cast<int64_t>(*own) : 0);
  } catch (const Error&) {
    if (!listeners_.empty() && step_ > 0 && !saver_.IsSaved(step_)) SaveBeforeFailure();
    throw;
  }
  if (agreed == 0) return std::nullopt;
  return static_cast<StopReason>(agreed - 1);
}

UpdateBatches Trainer::TakeBatches() {
  try {
    return NextBatches(batcher_, config_.training.gradient_accumulation, *inputs_.world);
  } catch (const Error&) {
    updater_.FailTogether(std::current_exception());
    throw;
  }
}

void Trainer::TrainStep() {
  const auto start = std::chrono::steady_clock::now();
  int64_t tokens = 0;
  try {
    UpdateBatches update = TakeBatches();
    tokens = update.target_tokens;
    updater_.Step(step_ + 1, std::move(update));
  } catch (const Error&) {
    // Nothing has changed yet, so the training so far is worth saving.
    if (step_ > 0) SaveBeforeFailure();
    throw;
  }
  ++step_;
  position_ = batcher_.position();
  target_tokens_ += tokens;
  if (inputs_.device.is_cpu()) CheckSkippedSteps();  // Costs nothing on the CPU.
  clock_.CountStep(tokens);
  stop_rules_.time_limit().NoteStep(SecondsSince(start));
  Notify([&](TrainingListener& listener) { listener.OnStep(step_); });
}

StepTally::Sums Trainer::CheckSkippedSteps() {
  const StepTally::Sums sums = updater_.tally().Read();
  const auto report = [&] {
    skipped_steps_.Report(sums, step_, [this] { return updater_.FindNotFinite(); });
  };
  // The sums are those of all ranks, and so is the end of a training that skips too many.
  if (sums.skipped_in_a_row > 0) {
    inputs_.world->Together(report);
  } else {
    report();
  }
  return sums;
}

void Trainer::ReportInterval() {
  const StepTally::Sums sums = CheckSkippedSteps();
  const TrainingClock::Interval speed = clock_.EndInterval();
  clock_.Pause();
  const int64_t last_step = LastStep();
  const IntervalReport report{.step = step_,
                              .epoch = EpochNumber(position_),
                              // NaN if all steps were skipped.
                              .loss = sums.loss / static_cast<double>(sums.tokens),
                              .learning_rate = LearningRateAt(step_, config_.training),
                              .gradient_norm = updater_.gradient_norm().item<double>(),
                              .skipped_steps = sums.skipped,
                              .tokens_per_second = speed.tokens_per_second,
                              .seconds_per_step = speed.seconds_per_step,
                              .last_step = last_step,
                              .seconds_left = clock_.SecondsFor(last_step - step_)};
  updater_.tally().ClearInterval();
  Notify([&](TrainingListener& listener) { listener.OnInterval(report); });
  clock_.Resume();
}

void Trainer::ReportWeights() {
  const int64_t every = config_.training.tensorboard_histograms;
  if (every == 0 || step_ % every != 0) return;
  clock_.Pause();
  const WeightsReport report{.step = step_, .weights = updater_.trained().parameters()};
  Notify([&](TrainingListener& listener) { listener.OnWeights(report); });
  clock_.Resume();
}

void Trainer::FinishStep() {
  std::optional<size_t> place;
  try {
    if (validator_.is_pending()) place = Validate();
  } catch (const Error&) {
    // For example, memory ran out. The training so far is worth saving; the validation stays
    // pending in the checkpoint.
    SaveBeforeFailure();
    throw;
  }
  // Never save while steps are being skipped: if the weights are the cause, the earlier checkpoints
  // are all that is left.
  const bool is_due = saver_.IsDueAfter(step_) && CheckSkippedSteps().skipped_in_a_row == 0;
  if (place || is_due) Save(/*is_best=*/place == size_t{0});
}

std::optional<size_t> Trainer::Validate() {
  clock_.Pause();
  const auto averaged = updater_.trained().ApplyAverage();
  const auto sets = validator_.Measure(updater_.trained().model(), stop_rules_.StopCheck());
  std::optional<size_t> place;
  if (sets) {
    place = validator_.Add(sets->front().scores, step_);
    last_scores_ = sets->front().scores;
    const ValidationReport report{.step = step_,
                                  .epoch = EpochNumber(position_),
                                  .sets = *sets,
                                  .is_best = place == size_t{0}};
    Notify([&](TrainingListener& listener) { listener.OnValidation(report); });
  }
  clock_.Resume();
  return place;
}

StopReason Trainer::End(StopReason reason) {
  if (!IsDone(reason) || config_.training.average_best == 0) return reason;
  clock_.Pause();
  validator_.DiscardBestThatDoesNotCompare();
  AverageMaker maker(config_, inputs_, updater_.trained(), validator_);
  if (maker.Make(MakeState(), stop_rules_.StopCheck())) return reason;
  // As after any validation that was interrupted, resume has more to do.
  return std::max(*ReasonToStop(), StopReason::kTimeLimit);
}

void Trainer::Save(bool is_best) {
  clock_.Pause();
  const auto start = std::chrono::steady_clock::now();
  const StepTally::Sums sums = CheckSkippedSteps();
  NamedTensors moments;
  if (!saver_.IsSaved(step_)) moments = updater_.trained().optimizer().State();
  inputs_.world->OnFirst([&] {
    saver_.Save(*inputs_.run,
                {.step = step_,
                 .is_best = is_best,
                 .best_steps = validator_.best().Steps(),
                 .keep_all = sums.skipped_in_a_row > 0},
                [&] {
                  TrainingState state = MakeState();
                  Notify([&](TrainingListener& listener) { listener.BeforeCheckpoint(&state); });
                  Checkpoint checkpoint =
                      updater_.trained().MakeCheckpoint(step_, std::move(moments));
                  checkpoint.state = ToJson(state);
                  checkpoint.adapter = inputs_.adapter;
                  return checkpoint;
                });
  });
  saver_.NoteSaved(step_);
  stop_rules_.time_limit().NoteSave(SecondsSince(start));
  clock_.Resume();
}

void Trainer::SaveBeforeFailure() {
  // Without the other ranks, their shares of the moments are lost.
  if (inputs_.world->is_broken() && config_.training.shard_optimizer) return;
  try {
    if (CheckSkippedSteps().skipped_in_a_row == 0) Save(/*is_best=*/false);
  } catch (const std::exception& error) {  // Of any kind: the original failure matters more.
    spdlog::error("{}", error.what());
  }
}

void Trainer::Notify(const std::function<void(TrainingListener&)>& event) {
  for (const auto& listener : listeners_) event(*listener);
}

int64_t Trainer::LastStep() const {
  return stop_rules_.LastStep(Status(), batcher_.batches_per_epoch(), inputs_.world->size());
}

TrainingStatus Trainer::Status() const {
  return {.step = step_,
          .position = position_,
          .validations_without_best = validator_.validations_without_best(),
          .validation_pending = validator_.is_pending()};
}

TrainingState Trainer::MakeState() const {
  const StepTally::Sums sums = updater_.tally().Read();
  TrainingState state;
  state.step = step_;
  state.position = position_;
  state.corpus_checksum = inputs_.train.checksum();
  state.num_ranks = inputs_.world->size();
  state.target_tokens = target_tokens_;
  state.seconds = clock_.seconds();
  state.skipped_steps = sums.skipped;
  state.skipped_in_a_row = sums.skipped_in_a_row;
  state.memory = memory_;
  state.interval_loss = sums.loss;
  state.interval_tokens = sums.tokens;
  validator_.SaveTo(&state);
  return state;
}

}  // namespace wavemt
