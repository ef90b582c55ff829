#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/run_directory.h"
#include "commands/commands.h"
#include "commands/compute_device.h"
#include "commands/loaded_model.h"
#include "commands/shared_options.h"
#include "commands/training_session.h"
#include "support/error.h"
#include "training/precision.h"

namespace wavemt {
namespace {

struct ResumeOptions {
  std::string run_dir;
  std::vector<std::string> overrides;
  ComputeOptions compute;
  double max_minutes = 0;
  int64_t memory_limit = 0;
};

// What the saved position in the data, the vocabulary, the weights and the best score depend on.
std::vector<std::string> FixedKeys(const Config& config) {
  std::vector<std::string> keys = {
      "seed",
      "data.train",
      "data.max_length",
      "model",
      "tokenizer",
      "training.batch_tokens",
      "training.optimizer.type",
      "training.gradient_accumulation",
      "training.best_metric",
  };
  if (!config.data.valid.empty()) keys.emplace_back("data.valid");
  const ValidationMetric metric = config.training.best_metric;
  if (metric == ValidationMetric::kBleu || metric == ValidationMetric::kChrf) {
    keys.insert(keys.end(), {"training.validation_beam_size", "decoding.length_penalty",
                             "decoding.max_output_length"});
  }
  if (metric == ValidationMetric::kBleu) {
    keys.insert(keys.end(), {"data.target_language", "evaluation.tokenize"});
  }
  return keys;
}

void RefuseFixedKeys(const Config& config, const std::vector<std::string>& overrides) {
  const std::vector<std::string> fixed_keys = FixedKeys(config);
  for (const std::string& text : overrides) {
    const std::string key = text.substr(0, text.find('='));
    for (const std::string& fixed : fixed_keys) {
      if (key == fixed || key.starts_with(fixed + ".")) {
        throw UsageError(
            "--set {}: {} cannot change in the middle of a run; begin a new one by "
            "`wavemt train`",
            text, key);
      }
    }
  }
}

int Resume(const ResumeOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const RunDirectory run = RunDirectory::OpenForTraining(options.run_dir);
  const Config before = LoadRunConfig(run.path());
  RefuseFixedKeys(before, options.overrides);
  Config config = LoadRunConfig(run.path(), options.overrides);
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
  const TokenizerPair tokenizers = LoadRunTokenizers(run.path());
  const TrainingText text = LoadTrainingText(config, tokenizers, {.run = run.path()});
  const Transformer model = MakeModel(config, tokenizers, device);
  DescribeTraining(config, text, tokenizers, model, device);
  if (memory_limit.bytes > 0) RequireMemoryForTraining(config, model, memory_limit);
  return RunTraining({.config = config,
                      .text = text,
                      .tokenizers = tokenizers,
                      .model = model,
                      .device = device,
                      .run = run,
                      .is_resumed = true,
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
  AddSetOption(command, &options->overrides);
  AddComputeOptions(command, &options->compute);
  AddTimeLimitOption(command, &options->max_minutes);
  AddMemoryLimitOption(command, &options->memory_limit);
  command->callback([options, exit_code] { *exit_code = Resume(*options); });
}

}  // namespace wavemt
