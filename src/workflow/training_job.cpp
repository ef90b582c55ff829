#include "workflow/training_job.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "checkpoint/run_checksums.h"
#include "config/config_fields.h"
#include "config/config_reader.h"
#include "config/config_writer.h"
#include "data/batcher.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/progress.h"
#include "support/signals.h"
#include "training/learning_rate_schedule.h"
#include "training/precision.h"
#include "training/profile.h"
#include "workflow/build_model.h"
#include "workflow/compute_device.h"
#include "workflow/languages.h"
#include "workflow/resumed_config.h"
#include "workflow/run_files.h"
#include "workflow/tokenizers.h"
#include "workflow/validation_scorer.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// What a training was given of the machine.
struct Machine {
  torch::Device device;
  MemoryLimit memory_limit;
  std::optional<TimeLimit::Clock::time_point> deadline;
};

MemoryLimit BeginMemoryLimit(int64_t bytes, torch::Device device) {
  if (bytes == 0) return {};
  if (!device.is_cpu()) {
    throw UsageError("--memory-limit: is for the CPU; on {} its own memory is the limit",
                     device.str());
  }
  return MemoryLimit::Begin(bytes);
}

// Chooses the device, starts to limit the memory and replaces a training.precision of "auto".
Machine Take(const TrainingResources& resources, Config* config) {
  const torch::Device device = SelectDevice(resources.compute);
  const MemoryLimit memory_limit = BeginMemoryLimit(resources.memory_limit, device);
  config->training.precision = ResolvePrecision(*config, device);
  return {.device = device, .memory_limit = memory_limit, .deadline = resources.deadline};
}

// Checks the run's parent folder early, before the corpus is read.
void RequireParentFolder(const fs::path& run) {
  std::error_code ignored;
  fs::path above = run.parent_path();
  while (!Exists(above) && above.has_relative_path()) above = above.parent_path();
  if (!fs::is_directory(above, ignored)) {
    throw UsageError("{}: cannot be made: {} is not a folder", run.string(), above.string());
  }
  if (access(above.c_str(), W_OK) != 0) {
    throw UsageError("{}: cannot be made: {}: {}", run.string(), above.string(),
                     std::strerror(errno));
  }
}

// Replacing a run by one that begins with its weights would remove the only copy of them.
void RequireAnotherRun(const fs::path& checkpoint, const fs::path& run) {
  std::error_code ignored;
  for (fs::path above = fs::absolute(checkpoint); above.has_relative_path();
       above = above.parent_path()) {
    if (fs::equivalent(above, run, ignored)) {
      throw UsageError("--init-from: {} is inside {}, which would be replaced; use another run_dir",
                       checkpoint.string(), run.string());
    }
  }
}

// Checks early that the limit leaves enough memory for training the model.
void RequireMemory(const TrainingJob& job) {
  if (job.inputs.memory_limit.bytes == 0) return;
  // Gradients, two moments and possibly a moving average.
  const int64_t copies = job.config.training.ema_decay > 0 ? 4 : 3;
  MemoryBudget::Measure(job.inputs.memory_limit, copies * BytesOf(ParametersOf(*job.inputs.model)));
}

// Logs the sizes of the batches and the model.
void LogSizes(const TrainingJob& job) {
  const Config& config = job.config;
  const TokenizerPair& tokenizers = job.inputs.tokenizers;
  const BatchPlan plan = PlanBatches(*job.text.train, config.training.batch_tokens, /*seed=*/0);
  spdlog::info(
      "batches: about {} an epoch of at most {} target tokens, {:.1f}% full, {:.1f}% padding",
      WithThousands(plan.size()), WithThousands(config.training.batch_tokens),
      100 * FillShare(*job.text.train, plan, config.training.batch_tokens),
      100 * PaddingShare(*job.text.train, plan));
  int64_t weights = 0;
  for (const auto& parameter : job.inputs.model->parameters()) weights += parameter.numel();
  const std::string vocabulary =
      tokenizers.shared()
          ? fmt::format("one vocabulary of {}", WithThousands(tokenizers.source->vocab_size()))
          : fmt::format("vocabularies of {} and {}", WithThousands(tokenizers.source->vocab_size()),
                        WithThousands(tokenizers.target->vocab_size()));
  spdlog::info("model: {} weights, {}+{} layers, d_model {}, {}; on {}", WithThousands(weights),
               config.model.num_encoder_layers, config.model.num_decoder_layers,
               config.model.d_model, vocabulary, DescribeDevice(job.inputs.device));
}

// The text of a job, and what reads it.
struct JobText {
  TokenizerPair tokenizers;
  TrainingText text;
  std::optional<CorpusProfile> profile;  // As the run records it; nothing: it does not.
};

TrainingJob BuildJob(Config config, JobText job_text, const Machine& machine,
                     const std::optional<InitialModel>& initial = std::nullopt) {
  auto& [tokenizers, text, profile] = job_text;
  Transformer model = BuildNewModel(config, tokenizers, machine.device);
  if (initial) TakeWeights(*initial, config.model, &model);
  const Translator translator(model, tokenizers, machine.device,
                              {.profile = profile, .source_language = SourceLanguage(config.data)});
  TrainingInputs inputs{
      .model = model,
      .device = machine.device,
      .train = *text.train,
      .valid = text.valid.get(),
      .tokenizers = tokenizers,
      .score_translations = MakeValidationScorer(config, translator, text.valid_lines),
      .saves_start = initial.has_value(),
      .memory_limit = machine.memory_limit,
      .deadline = machine.deadline};
  TrainingJob job{
      .config = std::move(config), .text = std::move(text), .inputs = std::move(inputs)};
  if (initial) job.initial_checkpoint = fs::absolute(initial->checkpoint);
  LogSizes(job);
  return job;
}

// Warns if the learning rate had already decreased and rises again because more steps extend the
// schedule.
void WarnOfJump(const TrainingConfig& before, const TrainingConfig& now, int64_t step) {
  constexpr double kJump = 1.1;
  TrainingConfig longer = before;
  longer.max_steps = now.max_steps;
  // A user who changes another setting of the schedule asked for a different learning rate.
  if (step == 0 || LearningRateAt(step + 1, longer) != LearningRateAt(step + 1, now)) return;
  const double last = LearningRateAt(step, before);
  const double next = LearningRateAt(step + 1, now);
  if (next <= kJump * std::max(last, LearningRateAt(step + 1, before))) return;
  spdlog::warn(
      "the learning rate had come down to {:.2e} at step {} and now rises to {:.2e}, because the "
      "{} schedule extends to step {} instead of {}; a lower training.learning_rate avoids that",
      last, WithThousands(step), next, NameOf(now.schedule), WithThousands(now.max_steps),
      WithThousands(before.max_steps));
}

// The checksum of the text that a run was trained on, even if its files have moved since; nothing
// if the run is from a version that did not save it.
std::optional<int64_t> CorpusChecksum(const RunDirectory& run, std::optional<int64_t> step,
                                      const std::optional<CorpusProfile>& profile) {
  if (profile) return profile->checksum;
  if (!step) return std::nullopt;
  const fs::path path = run.CheckpointPath(*step);
  return TrainingStateFromJson(ReadCheckpointState(path), (path / kStateFile).string())
      .corpus_checksum;
}

}  // namespace

TrainingJob PrepareTraining(const fs::path& config_file, const ConfigOverrides& overrides,
                            const TrainingResources& resources, const NewRunOptions& options) {
  Config config = LoadConfig(config_file, overrides);
  if (config.run_dir.empty()) config.run_dir = "runs/" + config_file.stem().string();
  config.run_dir = RunDirectory::ResolvePath(config.run_dir).string();
  const Machine machine = Take(resources, &config);
  RunDirectory::RequireFree(config.run_dir, options.overwrite || !options.writes);
  if (options.writes) {
    RequireParentFolder(config.run_dir);
    RunDirectory::RequireIdle(config.run_dir);
  }
  std::optional<InitialModel> initial;
  if (!options.init_from.empty()) {
    initial = ReadInitialModel(options.init_from, config);
    RequireAnotherRun(initial->checkpoint, config.run_dir);
  }
  const TokenizerPair tokenizers =
      initial ? TakeTokenizers(*initial, &config) : MakeTokenizers(config);
  TrainingText text =
      LoadTrainingText(config, tokenizers, {.run = config.run_dir, .may_write = options.writes});
  const CorpusProfile profile = text.profile;
  TrainingJob job =
      BuildJob(std::move(config), {tokenizers, std::move(text), profile}, machine, initial);
  initial.reset();  // Its memory is free again.
  if (options.writes) RequireMemory(job);
  return job;
}

TrainingJob PrepareResume(const fs::path& run_path, const ConfigOverrides& overrides,
                          const TrainingResources& resources) {
  const RunDirectory run = RunDirectory::OpenForTraining(run_path);
  const Config before = LoadRunConfig(run.path());
  Config config = ResumedConfig(run.path(), before, overrides);
  const Machine machine = Take(resources, &config);
  // A run that was stopped before its first checkpoint starts over, with the same result because of
  // its seed.
  const std::optional<int64_t> step = run.NewestWholeStep();
  if (const auto origin = LoadRunOrigin(run.path()); origin && !step) {
    throw UsageError(
        "{0}: was stopped before it had saved the weights of {1} that it was to begin with; start "
        "it again: wavemt train CONFIG --init-from {1} --run-dir {0} --overwrite",
        run.path().string(), *origin);
  }
  const TokenizerPair tokenizers = LoadRunTokenizers(run.path(), config.tokenizer);
  const std::optional<CorpusProfile> profile = LoadRunProfile(run.path());
  TrainingText text = LoadTrainingText(config, tokenizers, {.run = run.path()});
  // The text may have been moved or compressed, but it must be the same.
  if (const auto checksum = CorpusChecksum(run, step, profile)) {
    RequireSameCorpus(*checksum, *text.train, run.path().string());
  } else if (HasOtherFiles(before.data.train, config.data.train)) {
    throw UsageError(
        "{}: data.train cannot be moved for this run, because the run does not record which text "
        "it was trained on; put the text back where it was",
        run.path().string());
  }
  TrainingJob job = BuildJob(std::move(config), {tokenizers, std::move(text), profile}, machine);
  job.inputs.run = run;
  job.inputs.valid_is_renamed = HasOtherFiles(before.data.valid, job.config.data.valid);
  job.earlier_config = before.training;
  job.resume_step = step;
  RequireMemory(job);
  return job;
}

void CreateRun(TrainingJob* job, const NewRunOptions& options) {
  job->inputs.run = RunDirectory::Create(
      job->config.run_dir,
      RunFiles(job->config, job->inputs.tokenizers, job->text.profile, job->initial_checkpoint),
      options.overwrite);
}

std::string ProfileTraining(const TrainingJob& job) {
  constexpr int64_t kWarmupSteps = 5;
  constexpr int64_t kSteps = 20;
  return ProfileUpdates(job.config, job.inputs, kWarmupSteps, kSteps);
}

TrainingOutcome RunTraining(const TrainingJob& job) {
  const RunDirectory& run = *job.inputs.run;
  Trainer trainer(job.config, job.inputs);
  if (job.resume_step) {
    const fs::path checkpoint = run.CheckpointPath(*job.resume_step);
    trainer.Restore(ReadCheckpoint(checkpoint), checkpoint.string());
    spdlog::info("continuing from {}", checkpoint.string());
    const TrainingState state = trainer.MakeState();
    if (job.earlier_config) WarnOfJump(*job.earlier_config, job.config.training, state.step);
    run.RepairPointers(state.step,
                       state.best_score ? std::optional(state.best_step) : std::nullopt);
  }
  if (job.earlier_config) {
    // New settings are saved only now that any checkpoint has been accepted. A new run does not
    // read its config back, because an error there would be reported as the user's mistake.
    const std::string config_text = ConfigText(job.config);
    if (ReadFile(run.ConfigPath()) != config_text) {
      ReplaceRunFile(run.path(), "config.json", config_text);
    }
  }
  InstallStopSignals();
  const StopReason reason = trainer.Run();
  return {.reason = reason, .state = trainer.MakeState()};
}

}  // namespace wavemt
