#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "commands/commands.h"
#include "commands/compute_device.h"
#include "commands/loaded_model.h"
#include "commands/shared_options.h"
#include "commands/training_session.h"
#include "config/config_writer.h"
#include "support/error.h"
#include "training/precision.h"
#include "training/training_state.h"

namespace wavemt {
namespace {

struct ResumeOptions {
  std::string run_dir;
  ConfigOverrides overrides;
  ComputeOptions compute;
  double max_minutes = 0;
  int64_t memory_limit = 0;
};

// What the saved position in the data, the vocabulary, the weights and the best score depend on.
std::vector<std::string> FixedKeys(const Config& config) {
  std::vector<std::string> keys = {
      "seed",
      "data.max_length",
      "model",
      "tokenizer",
      "training.batch_tokens",
      "training.optimizer.type",
      "training.gradient_accumulation",
      "training.best_metric",
  };
  const ValidationMetric metric = config.training.best_metric;
  if (metric == ValidationMetric::kBleu || metric == ValidationMetric::kChrf) {
    keys.insert(keys.end(),
                {"training.validation_beam_size", "decoding.length_penalty",
                 "decoding.max_output_length", "decoding.split_sentences", "data.source_language"});
  }
  if (metric == ValidationMetric::kBleu) {
    keys.insert(keys.end(), {"data.target_language", "evaluation.tokenize"});
  }
  return keys;
}

void RefuseFixedKeys(const Config& config, const ConfigOverrides& overrides) {
  const std::vector<std::string> fixed_keys = FixedKeys(config);
  for (const ConfigOverride& override : overrides) {
    const std::string key = override.key();
    for (const std::string& fixed : fixed_keys) {
      if (key == fixed || key.starts_with(fixed + ".")) {
        throw UsageError(
            "{}: {} cannot change in the middle of a run; begin a new one by `wavemt train`",
            override.typed, key);
      }
    }
  }
}

// `split`: "train" or "valid".
bool HasOtherFiles(const Config& before, const Config& config, const std::string& split) {
  return ConfigToJson(before)["data"][split] != ConfigToJson(config)["data"][split];
}

// The checksum of the text that a run was trained on, wherever that lies now; nothing where a
// version that did not keep it has made the run.
std::optional<int64_t> CorpusChecksum(const RunDirectory& run, std::optional<int64_t> step,
                                      const std::optional<CorpusProfile>& profile) {
  if (profile) return profile->checksum;
  if (!step) return std::nullopt;
  const auto path = run.CheckpointPath(*step);
  return TrainingStateFromJson(ReadCheckpointState(path), (path / kStateFile).string())
      .corpus_checksum;
}

// Text may have been moved or packed; it must be the same.
void RequireSameText(const RunDirectory& run, const Config& before, const Config& config,
                     const TrainingText& text, std::optional<int64_t> checksum) {
  if (checksum) return RequireSameCorpus(*checksum, *text.train, run.path().string());
  if (HasOtherFiles(before, config, "train")) {
    throw UsageError(
        "{}: data.train cannot be named anew for this run, as nothing in it tells whether the text "
        "is the same; put the text where it was",
        run.path().string());
  }
}

int Resume(const ResumeOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const RunDirectory run = RunDirectory::OpenForTraining(options.run_dir);
  const Config before = LoadRunConfig(run.path());
  RefuseFixedKeys(before, options.overrides);
  Config config = LoadRunConfig(run.path(), options.overrides);
  if (HasOtherFiles(before, config, "train")) {
    // Their names may tell of no language, or of another one.
    std::string& source = config.data.source_language;
    std::string& target = config.data.target_language;
    if (source.empty()) source = SourceLanguage(before.data);
    if (target.empty()) target = TargetLanguage(before.data);
  }
  if ((before.training.ema_decay > 0) != (config.training.ema_decay > 0)) {
    throw UsageError(
        "--set training.ema_decay={}: the moving average cannot be switched on or off "
        "in the middle of a run; begin a new one by `wavemt train`",
        config.training.ema_decay);
  }
  const torch::Device device = SelectDevice(options.compute);
  const MemoryLimit memory_limit = BeginMemoryLimit(options.memory_limit, device);
  config.training.precision = ResolvePrecision(config, device);
  // A run that was stopped before its first checkpoint begins again: its seed makes it the same.
  const std::optional<int64_t> step = run.NewestWholeStep();
  const TokenizerPair tokenizers = LoadRunTokenizers(run.path(), config.tokenizer);
  const std::optional<CorpusProfile> profile = LoadRunProfile(run.path());
  const TrainingText text = LoadTrainingText(config, tokenizers, {.run = run.path()});
  RequireSameText(run, before, config, text, CorpusChecksum(run, step, profile));
  const Transformer model = MakeModel(config, tokenizers, device);
  DescribeTraining(config, text, tokenizers, model, device);
  if (memory_limit.bytes > 0) RequireMemoryForTraining(config, model, memory_limit);
  return RunTraining(
      {.config = config,
       .text = text,
       .tokenizers = tokenizers,
       .model = model,
       .device = device,
       .run = run,
       .trained_on = {.profile = profile, .source_language = SourceLanguage(config.data)},
       .before = before.training,
       .valid_is_renamed = HasOtherFiles(before, config, "valid"),
       .resume_step = step,
       .memory_limit = memory_limit,
       .deadline = DeadlineAfter(start, options.max_minutes)});
}

}  // namespace

void AddResumeCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<ResumeOptions>();
  CLI::App* command =
      app.add_subcommand("resume", "Go on with a run exactly where its newest checkpoint stands.");
  command->add_option("RUN_DIR", options->run_dir, "The run's folder.")->required();
  AddSetOption(command);
  AddComputeOptions(command, &options->compute);
  AddTimeLimitOption(command, &options->max_minutes);
  AddMemoryLimitOption(command, &options->memory_limit);
  command->callback([command, options, exit_code] {
    options->overrides = TypedOverrides(*command);
    *exit_code = Resume(*options);
  });
}

}  // namespace wavemt
