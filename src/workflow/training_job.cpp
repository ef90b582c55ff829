#include "workflow/training_job.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "checkpoint/run_checksums.h"
#include "config/config_fields.h"
#include "config/config_overrides.h"
#include "config/config_reader.h"
#include "config/config_writer.h"
#include "data/batcher.h"
#include "data/tags.h"
#include "support/error.h"
#include "support/files.h"
#include "support/json.h"
#include "support/logging.h"
#include "support/progress.h"
#include "support/signals.h"
#include "training/learning_rate_schedule.h"
#include "training/precision.h"
#include "training/profile.h"
#include "training/tensor_memory.h"
#include "workflow/build_model.h"
#include "workflow/compute_device.h"
#include "workflow/joined_machine.h"
#include "workflow/languages.h"
#include "workflow/position_pictures.h"
#include "workflow/resumed_config.h"
#include "workflow/run_files.h"
#include "workflow/tokenizers.h"
#include "workflow/training_starts.h"
#include "workflow/validation_scorer.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// What a training was given of the machine.
struct Machine {
  torch::Device device;
  std::shared_ptr<World> world;
  MemoryLimit memory_limit;
  std::optional<TimeLimit::Clock::time_point> deadline;
};

MemoryLimit BeginMemoryLimit(int64_t bytes, torch::Device device) {
  if (device.is_cpu()) TensorMemory::BeginCounting();  // Even without a limit: for large pages.
  if (bytes == 0) return {};
  if (!device.is_cpu()) {
    throw UsageError("--memory-limit: is for the CPU; on {} its own memory is the limit",
                     device.str());
  }
  return MemoryLimit::Begin(bytes);
}

// Chooses the device, joins the other processes, which must have got the same `command`, and starts
// to limit the memory.
Machine AcquireMachine(const TrainingResources& resources, const std::string& command) {
  const JoinedMachine joined = JoinMachine(resources.compute);
  const torch::Device device = joined.device;
  const std::shared_ptr<World>& world = joined.world;
  RequireSameFacts(*world, {{"the command", command}});
  MemoryLimit memory_limit;
  world->Together([&] { memory_limit = BeginMemoryLimit(resources.memory_limit, device); });
  return {.device = device,
          .world = world,
          .memory_limit = memory_limit,
          .deadline = resources.deadline};
}

// Replaces a training.precision of "auto", by what is faster on rank 0.
void AgreeOnPrecision(const Machine& machine, Config* config) {
  const Precision own = ResolvePrecision(*config, machine.device);
  World& world = *machine.world;
  config->training.precision =
      static_cast<Precision>(world.Max(world.is_first() ? static_cast<int64_t>(own) : 0));
}

// Refuses a rank that has another config than rank 0, or another program.
void RequireSameConfig(const Machine& machine, const Config& config) {
  TrainingFacts facts = FactsOf(config, machine.device);
  facts.emplace_back("--memory-limit", std::to_string(machine.memory_limit.bytes));
  RequireSameFacts(*machine.world, facts);
}

// The tokenizers that rank 0 makes.
TokenizerPair MakeOnFirst(World& world, const TokenizerConfig& config,
                          const std::function<TokenizerPair()>& make) {
  TokenizerPair made;
  world.OnFirst([&] { made = make(); });
  if (world.is_alone()) return made;
  const bool is_shared = world.AnyOf(world.is_first() && made.shared());
  std::shared_ptr<const Vocabulary> vocabulary;
  if (!config.vocabulary.empty()) {
    const bool has_it = made.source != nullptr && made.source->vocabulary() != nullptr;
    vocabulary = Vocabulary::FromBytes(
        world.FromFirst(has_it ? made.source->vocabulary()->bytes() : std::string()),
        "the vocabulary of rank 0");
  }
  const auto copy = [&](const std::shared_ptr<const Tokenizer>& tokenizer) {
    const std::string bytes = world.FromFirst(tokenizer ? tokenizer->bytes() : std::string());
    return Tokenizer::FromBytes(bytes, "the tokenizer of rank 0", TextOptionsOf(config),
                                vocabulary);
  };
  TokenizerPair pair;
  pair.source = copy(made.source);
  pair.target = is_shared ? pair.source : copy(made.target);
  return pair;
}

// Rank 0 reads the text first: the others find the cache of a large corpus ready.
TrainingText LoadText(World& world, const Config& config, const TokenizerPair& tokenizers,
                      const LoadingOptions& options) {
  TrainingText text;
  world.OnFirst([&] { text = LoadTrainingText(config, tokenizers, options); });
  LoadingOptions without_overlap = options;
  without_overlap.finds_overlap = false;
  world.Together([&] {
    if (!world.is_first()) text = LoadTrainingText(config, tokenizers, without_overlap);
  });
  TrainingFacts facts = {{"the text of data.train", std::to_string(text.train->checksum())}};
  for (const HeldOutText& held_out : text.held_out) {
    facts.emplace_back(fmt::format("the text of {}", held_out.description),
                       std::to_string(held_out.corpus->checksum()));
  }
  RequireSameFacts(world, facts);
  return text;
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
  const TrainingConfig& training = job.config.training;
  const int64_t weights = BytesOf(TrainedParametersOf(*job.inputs.model));
  const int64_t shares = training.shard_optimizer ? job.inputs.world->size() : 1;
  // Gradients, two moments and possibly a moving average and where the weights began.
  const int64_t copies = (training.ema_decay > 0 ? 1 : 0) + (training.anchor > 0 ? 1 : 0);
  const int64_t planned = weights + 2 * weights / shares + copies * weights;
  MemoryBudget::Measure(job.inputs.memory_limit, planned);
}

// Logs the sizes of the batches and the model.
void LogSizes(const TrainingJob& job) {
  const Config& config = job.config;
  const TokenizerPair& tokenizers = job.inputs.tokenizers;
  const BatchPlan plan = PlanBatches(*job.text.train, config.training.batch_tokens, /*seed=*/0);
  spdlog::info(
      "batches: about {} an epoch of at most {} target tokens, {:.1f}% full, {:.1f}% padding{}",
      WithThousands(plan.size()), WithThousands(config.training.batch_tokens),
      100 * FillShare(*job.text.train, plan, config.training.batch_tokens),
      100 * PaddingShare(*job.text.train, plan),
      config.tokenizer.sampling.is_on()
          ? "; sampled subwords are shorter, so there will be more batches"
          : "");
  int64_t weights = 0;
  int64_t trained = 0;
  for (const auto& parameter : job.inputs.model->parameters()) {
    weights += parameter.numel();
    if (parameter.requires_grad()) trained += parameter.numel();
  }
  const std::string vocabulary =
      tokenizers.one_vocabulary()
          ? fmt::format("one vocabulary of {}", WithThousands(tokenizers.source->vocab_size()))
          : fmt::format("vocabularies of {} and {}", WithThousands(tokenizers.source->vocab_size()),
                        WithThousands(tokenizers.target->vocab_size()));
  const std::string share =
      trained == weights
          ? ""
          : fmt::format(" ({} of them trained, {:.2g}%)", WithThousands(trained),
                        100.0 * static_cast<double>(trained) / static_cast<double>(weights));
  spdlog::info("model: {} weights{}, {}+{} layers, d_model {}, {}; on {}", WithThousands(weights),
               share, config.model.num_encoder_layers, config.model.num_decoder_layers,
               config.model.d_model, vocabulary, DescribeDevice(job.inputs.device));
}

// The text of a job, and what reads it.
struct JobText {
  TokenizerPair tokenizers;
  TrainingText text;
  std::optional<CorpusProfile> profile;  // As the run records it; nothing: it does not.
};

// How much of an initial model a training needs.
InitialFit FitFor(const Config& config, bool is_partial) {
  if (config.adapter.type != AdapterType::kNone) return InitialFit::kBase;
  return is_partial ? InitialFit::kPartial : InitialFit::kWhole;
}

// The weights of a model that exists, for a job.
struct JobWeights {
  std::optional<InitialModel> initial{};
  InitialFit fit = InitialFit::kWhole;
  bool is_resumed = false;  // A checkpoint replaces them, all but an adapter's base.
};

TrainingJob BuildJob(Config config, JobText job_text, const Machine& machine,
                     const JobWeights& weights) {
  auto& [tokenizers, text, profile] = job_text;
  const std::optional<InitialModel>& initial = weights.initial;
  Transformer model = BuildNewModel(config, tokenizers, machine.device);
  if (initial) TakeWeights(*initial, weights.fit, config, tokenizers, &model);
  // The scores of a training must not depend on what was measured, on one rank or another.
  const DecodingPrecision precision = config.decoding.precision == DecodingPrecision::kAuto
                                          ? DecodingPrecision::kFp32
                                          : config.decoding.precision;
  const Translator translator({.transformers = {model},
                               .tokenizers = tokenizers,
                               .device = machine.device,
                               .trained_on = {.profile = profile,
                                              .source_language = SourceLanguage(config.data),
                                              .tags = TagsOf(config)},
                               .precision = precision});
  std::vector<ValidationSet> sets;
  for (const HeldOutText& held_out : text.held_out) {
    sets.push_back(
        {.key = held_out.key,
         .description = held_out.description,
         .corpus = *held_out.corpus,
         .score_translations = MakeValidationScorer(config, translator, held_out, machine.world)});
  }
  TrainingInputs inputs{.model = model,
                        .device = machine.device,
                        .train = *text.train,
                        .validation_sets = std::move(sets),
                        .tokenizers = tokenizers,
                        .world = machine.world,
                        .adapter = config.adapter.type == AdapterType::kNone
                                       ? Json()
                                       : ToJson(AdapterInfo{config.adapter, initial->origin}),
                        .saves_start = initial.has_value() && !weights.is_resumed,
                        .memory_limit = machine.memory_limit,
                        .deadline = machine.deadline};
  TrainingJob job{
      .config = std::move(config), .text = std::move(text), .inputs = std::move(inputs)};
  if (initial) job.origin = initial->origin;
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

namespace {

// The files of the first set, which selects the best checkpoint; none if there is no set.
ParallelFiles FirstOf(const CorpusList<HeldOutCorpus>& sets) {
  return sets.named.empty() ? sets.unnamed.files : sets.named.front().corpus.files;
}

// Continues `run_path`, whose files rank 0 opens for writing. `moved_base`: where the base of its
// adapter is now; empty: where it was.
TrainingJob PrepareToContinue(const fs::path& run_path, const ConfigOverrides& overrides,
                              const Machine& machine, const fs::path& moved_base = {}) {
  World& world = *machine.world;
  RunDirectory run = RunDirectory::WithoutLock(RunDirectory::ResolvePath(run_path));
  world.OnFirst([&] { run = RunDirectory::OpenForTraining(run_path); });
  Config before;
  Config config;
  std::optional<int64_t> step;
  world.Together([&] {
    before = LoadRunConfig(run.path());
    config = ResumedConfig(run.path(), before, overrides);
  });
  RequireSameConfig(machine, config);
  AgreeOnPrecision(machine, &config);
  world.OnFirst([&] {
    // Now, and not only when training has ended.
    if (config.training.average_best > 0) run.RequireAverageIsOurs();
    // A run that was stopped before its first checkpoint starts over, with the same result because
    // of its seed.
    step = run.NewestWholeStep();
    if (const auto origin = LoadRunOrigin(run.path()); origin && !step) {
      throw UsageError(
          "{0}: was stopped before it had saved the weights of {1} that it was to begin with; "
          "start it again: wavemt train CONFIG --init-from {1} --run-dir {0} --overwrite",
          run.path().string(), origin->checkpoint.string());
    }
  });
  JobWeights weights{.fit = FitFor(config, /*is_partial=*/false), .is_resumed = true};
  world.Together([&] {
    if (weights.fit != InitialFit::kBase) return;
    const auto origin = LoadRunOrigin(run.path());
    if (!origin) {
      throw UsageError("{}: does not say which model its adapter belongs to", run.path().string());
    }
    weights.initial = ReadBaseAgain(*origin, moved_base, config);
  });
  const int64_t shared_step = world.Max(step.value_or(-1));
  if (shared_step >= 0) step = shared_step;
  const TokenizerPair tokenizers = MakeOnFirst(
      world, config.tokenizer, [&] { return LoadRunTokenizers(run.path(), config.tokenizer); });
  TrainingText text = LoadText(world, config, tokenizers, {.run = run.path()});
  std::optional<TrainingJob> job;
  world.Together([&] {
    const std::optional<CorpusProfile> profile = LoadRunProfile(run.path());
    // The text may have been moved or compressed, but it must be the same.
    if (const auto checksum = CorpusChecksum(run, step, profile)) {
      RequireSameCorpus(*checksum, *text.train, run.path().string());
    } else if (HasOtherFiles(before.data.train, config.data.train)) {
      throw UsageError(
          "{}: data.train cannot be moved for this run, because the run does not record which text "
          "it was trained on; put the text back where it was",
          run.path().string());
    }
    job.emplace(BuildJob(config, {tokenizers, std::move(text), profile}, machine, weights));
    weights.initial.reset();  // Its memory is free again.
    job->inputs.run = run;
    job->inputs.valid_is_renamed =
        HasOtherFiles(FirstOf(before.data.valid), FirstOf(config.data.valid));
    job->earlier_config = before.training;
    job->resume_step = step;
    RequireMemory(*job);
  });
  return std::move(*job);
}

// How `config` differs from the run that it once started.
ConfigOverrides ChangesSince(const RunDirectory& run, const Config& config,
                             bool has_other_tokenizer) {
  const Config before = LoadRunConfig(run.path());
  Config now = config;
  now.run_dir = before.run_dir;
  // What the run itself decided.
  if (now.training.precision == Precision::kAuto) {
    now.training.precision = before.training.precision;
  }
  if (has_other_tokenizer) {
    const SubwordSamplingConfig sampling = now.tokenizer.sampling;
    now.tokenizer = before.tokenizer;
    now.tokenizer.sampling = sampling;
  }
  const auto values = ConfigValues(now);
  const auto values_before = ConfigValues(before);
  ConfigOverrides changes;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto& [key, value] = values[i];
    if (value != values_before[i].second) {
      // As one types it.
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      changes.emplace_back(fmt::format("{}={}", key, text));
    }
  }
  return changes;
}

}  // namespace

TrainingJob PrepareTraining(const fs::path& config_file, const ConfigOverrides& overrides,
                            const TrainingResources& resources, const NewRunOptions& options) {
  const Machine machine =
      AcquireMachine(resources, fmt::format("train{}{}{}", options.writes ? "" : " --dry-run",
                                            options.resume ? " --resume" : "",
                                            options.init_from.empty() ? "" : " --init-from"));
  World& world = *machine.world;
  Config config;
  bool exists = false;
  world.Together([&] {
    config = LoadConfig(config_file, overrides);
    if (config.run_dir.empty()) config.run_dir = "runs/" + config_file.stem().string();
    config.run_dir = RunDirectory::ResolvePath(config.run_dir).string();
    exists = options.resume && world.is_first() && RunDirectory::IsAt(config.run_dir);
    // Of a run that begins with another one's weights, nothing is left before the first checkpoint.
    if (!options.init_from.empty()) exists = exists && !CheckpointStepsIn(config.run_dir).empty();
  });
  if (options.writes && world.AnyOf(exists)) {
    ConfigOverrides changes;
    world.Together([&] {
      changes = ChangesSince(RunDirectory::WithoutLock(config.run_dir), config,
                             /*has_other_tokenizer=*/!options.init_from.empty());
    });
    return PrepareToContinue(
        config.run_dir, changes, machine,
        config.adapter.type == AdapterType::kNone ? fs::path() : options.init_from);
  }
  RequireSameConfig(machine, config);
  AgreeOnPrecision(machine, &config);
  JobWeights weights{.fit = FitFor(config, options.init_partial)};
  std::optional<InitialModel>& initial = weights.initial;
  world.OnFirst([&] {
    RunDirectory::RequireFree(config.run_dir, options.Replaces() || !options.writes);
    if (!options.writes) return;
    RequireParentFolder(config.run_dir);
    RunDirectory::RequireIdle(config.run_dir);
  });
  std::optional<TokenizerPair> taken;
  world.Together([&] {
    if (options.init_from.empty()) {
      if (weights.fit != InitialFit::kBase) return;
      throw UsageError(
          "{}: adapter.type: {} trains a small part beside a model that exists; name that model: "
          "--init-from MODEL",
          config_file.string(), NameOf(config.adapter.type));
    }
    initial = ReadInitialModel(options.init_from, config, weights.fit);
    RequireAnotherRun(initial->origin.checkpoint, config.run_dir);
    // Changes the config as well, of every rank.
    taken = TakeTokenizers(*initial, weights.fit, &config);
  });
  const TokenizerPair tokenizers =
      MakeOnFirst(world, config.tokenizer, [&] { return taken ? *taken : MakeTokenizers(config); });
  TrainingText text =
      LoadText(world, config, tokenizers,
               {.run = config.run_dir, .may_write = options.writes, .finds_overlap = true});
  std::optional<TrainingJob> job;
  world.Together([&] {
    const CorpusProfile profile = text.profile;
    job.emplace(
        BuildJob(std::move(config), {tokenizers, std::move(text), profile}, machine, weights));
    initial.reset();  // Its memory is free again.
    if (options.writes) RequireMemory(*job);
  });
  return std::move(*job);
}

TrainingJob PrepareResume(const fs::path& run_path, const ConfigOverrides& overrides,
                          const TrainingResources& resources) {
  return PrepareToContinue(run_path, overrides, AcquireMachine(resources, "resume"));
}

void CreateRun(TrainingJob* job, const NewRunOptions& options) {
  job->inputs.run = RunDirectory::WithoutLock(job->config.run_dir);
  job->inputs.world->OnFirst([&] {
    job->inputs.run = RunDirectory::Create(
        job->config.run_dir,
        RunFiles(job->config, job->inputs.tokenizers, job->text.profile, job->origin),
        options.Replaces());
  });
}

std::string ProfileTraining(const TrainingJob& job) {
  constexpr int64_t kWarmupSteps = 5;
  constexpr int64_t kSteps = 20;
  const std::string table = ProfileUpdates(job.config, job.inputs, kWarmupSteps, kSteps);
  job.inputs.world->Leave();
  return job.inputs.world->is_first() ? table : "";
}

TrainingOutcome RunTraining(const TrainingJob& job) {
  const RunDirectory& run = *job.inputs.run;
  World& world = *job.inputs.world;
  TrainingInputs inputs = job.inputs;
  inputs.start = DescribeStart({.step = job.resume_step.value_or(0),
                                .device = DescribeDevice(inputs.device),
                                .processes = world.size()});
  if (!job.resume_step && world.is_first()) {
    inputs.pictures = PositionPictures(job.config, *inputs.model);
  }
  Trainer trainer(job.config, inputs);
  if (job.resume_step) {
    world.Together([&] {
      const fs::path checkpoint = run.CheckpointPath(*job.resume_step);
      trainer.Restore(ReadCheckpoint(checkpoint), checkpoint.string());
      spdlog::info("continuing from {}", checkpoint.string());
    });
    const TrainingState state = trainer.MakeState();
    if (job.earlier_config) WarnOfJump(*job.earlier_config, job.config.training, state.step);
    world.OnFirst([&] {
      run.RepairPointers(state.step,
                         state.best_score ? std::optional(state.best_step) : std::nullopt);
    });
  }
  if (job.is_resumed()) {
    // New settings are saved only now that any checkpoint has been accepted. A new run does not
    // read its config back, because an error there would be reported as the user's mistake.
    world.OnFirst([&] {
      const std::string config_text = ConfigText(job.config);
      if (ReadFile(run.ConfigPath()) != config_text) {
        ReplaceRunFile(run.path(), "config.json", config_text);
      }
    });
  }
  InstallStopSignals();
  LogTrainingOf(world);
  const StopReason reason = trainer.Run();
  const auto signal = static_cast<int>(world.Max(StopSignal()));
  world.Leave();
  const auto& scores = trainer.last_scores();
  return {.reason = reason,
          .signal = signal,
          .state = trainer.MakeState(),
          .brevity_penalty = scores ? scores->brevity_penalty : std::nullopt};
}

}  // namespace wavemt
