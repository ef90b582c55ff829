#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/run_directory.h"
#include "commands/commands.h"
#include "commands/compute_device.h"
#include "commands/loaded_model.h"
#include "commands/shared_options.h"
#include "commands/training_session.h"
#include "config/config_reader.h"
#include "config/config_writer.h"
#include "data/corpus.h"
#include "data/tokenizer_trainer.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/progress.h"
#include "support/random.h"
#include "training/precision.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

struct TrainOptions {
  std::string config;
  ConfigOverrides overrides;
  ComputeOptions compute;
  double max_minutes = 0;
  int64_t memory_limit = 0;
  bool overwrite = false;
  bool dry_run = false;
  bool profile = false;

  bool writes() const { return !dry_run && !profile; }
};

constexpr uint64_t kTokenizerSample = 104;  // What a seed derived from the run's seed is for.

std::shared_ptr<const Tokenizer> TrainTokenizerOn(const Config& config, bool source, bool target) {
  const std::vector<std::string> sentences =
      SampleSentences(config.data.train,
                      {.source = source,
                       .target = target,
                       .normalize_whitespace = config.tokenizer.normalize_whitespace,
                       .limit = config.tokenizer.training_sentences,
                       .seed = DeriveSeed(static_cast<uint64_t>(config.seed), {kTokenizerSample})});
  if (sentences.empty()) {
    throw UsageError(
        "data.train: no usable sentence pair: the files hold no text, or none but lines of more "
        "than {} bytes, of which no vocabulary is made: split them into sentences",
        WithThousands(static_cast<int64_t>(kLongestTrainingSentence)));
  }
  return Tokenizer::FromBytes(TrainTokenizer(config.tokenizer, sentences), "trained tokenizer",
                              TextOptionsOf(config.tokenizer));
}

TokenizerPair MakeTokenizers(const Config& config) {
  const TokenizerConfig& tokenizer = config.tokenizer;
  const TextOptions text = TextOptionsOf(tokenizer);
  if (!tokenizer.source_model.empty()) {
    return {.source = Tokenizer::FromFile(tokenizer.source_model, text),
            .target = Tokenizer::FromFile(tokenizer.target_model, text)};
  }
  if (tokenizer.shared) {
    const auto shared = tokenizer.model.empty() ? TrainTokenizerOn(config, true, true)
                                                : Tokenizer::FromFile(tokenizer.model, text);
    return {.source = shared, .target = shared};
  }
  return {.source = TrainTokenizerOn(config, true, false),
          .target = TrainTokenizerOn(config, false, true)};
}

std::map<std::string, std::string> RunFiles(const Config& config, const TokenizerPair& tokenizers,
                                            const CorpusProfile& profile) {
  std::map<std::string, std::string> files = {
      {"config.json", ConfigText(config)},
      {std::string(kCorpusProfileFile), CorpusProfileText(profile)}};
  if (tokenizers.shared()) {
    files["tokenizer.model"] = tokenizers.source->bytes();
  } else {
    files["source.model"] = tokenizers.source->bytes();
    files["target.model"] = tokenizers.target->bytes();
  }
  return files;
}

// An early answer, before the corpus is read.
void RequireRoomFor(const fs::path& run) {
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

int Train(const TrainOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  Config config = LoadConfig(options.config, options.overrides);
  if (config.run_dir.empty()) config.run_dir = "runs/" + fs::path(options.config).stem().string();
  config.run_dir = RunDirectory::ResolvePath(config.run_dir).string();
  const torch::Device device = SelectDevice(options.compute);
  const MemoryLimit memory_limit = BeginMemoryLimit(options.memory_limit, device);
  config.training.precision = ResolvePrecision(config, device);
  RunDirectory::RequireFree(config.run_dir, options.overwrite || !options.writes());
  if (options.writes()) {
    RequireRoomFor(config.run_dir);
    RunDirectory::RequireIdle(config.run_dir);
  }

  const TokenizerPair tokenizers = MakeTokenizers(config);
  const TrainingText text =
      LoadTrainingText(config, tokenizers, {.run = config.run_dir, .may_write = options.writes()});
  const Transformer model = MakeModel(config, tokenizers, device);
  DescribeTraining(config, text, tokenizers, model, device);
  if (options.dry_run) {
    spdlog::info("dry run: nothing was written; the run would be in {}", config.run_dir);
    return 0;
  }
  if (options.profile) {
    fmt::print("{}", ProfileTraining({.config = config,
                                      .text = text,
                                      .tokenizers = tokenizers,
                                      .model = model,
                                      .device = device,
                                      .run = std::nullopt,
                                      .memory_limit = memory_limit}));
    return 0;
  }
  if (memory_limit.bytes > 0) RequireMemoryForTraining(config, model, memory_limit);
  // Only now, with all input read and found good, does anything appear on the disk.
  return RunTraining(
      {.config = config,
       .text = text,
       .tokenizers = tokenizers,
       .model = model,
       .device = device,
       .run = RunDirectory::Create(config.run_dir, RunFiles(config, tokenizers, text.profile),
                                   options.overwrite),
       .trained_on = {.profile = text.profile, .source_language = SourceLanguage(config.data)},
       .memory_limit = memory_limit,
       .deadline = DeadlineAfter(start, options.max_minutes)});
}

}  // namespace

void AddTrainCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* command = app.add_subcommand("train", "Train a model as a JSON config says.");
  command->add_option("CONFIG", options->config, "The config, for example configs/quickstart.json.")
      ->required();
  AddSetOption(command);
  AddRunDirOption(command);
  AddComputeOptions(command, &options->compute);
  AddTimeLimitOption(command, &options->max_minutes);
  AddMemoryLimitOption(command, &options->memory_limit);
  command->add_flag("--overwrite", options->overwrite, "Throw away a run that is there already.");
  command->add_flag("--dry-run", options->dry_run,
                    "Read and check everything, say how large it is, and write nothing.");
  command->add_flag("--profile", options->profile,
                    "Train a few steps, print where their time goes, and write nothing.");
  command->callback([command, options, exit_code] {
    options->overrides = TypedOverrides(*command);
    *exit_code = Train(*options);
  });
}

}  // namespace wavemt
