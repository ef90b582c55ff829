#pragma once

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "../support/temporary_folder.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "copy_task.h"
#include "support/files.h"
#include "support/json.h"
#include "training/trainer.h"

namespace wavemt {

// Trains tiny models on the copy task, each run in its own folder.
class TrainerFixture : public testing::Test {
 protected:
  struct Outcome {
    RunDirectory run;
    StopReason reason;
    TrainingState state;
    Transformer model;
  };

  // What differs between runs besides the config.
  struct RunSetup {
    const TokenizedCorpus* valid = nullptr;
    ScoreTranslations score_translations{};
    std::vector<ValidationSet> further_sets{};  // After `valid`.
    std::optional<int64_t> restore_step{};      // Continue the existing run from this step.
    uint64_t weights_seed = 1;
    bool saves_start = false;
    std::optional<TimeLimit::Clock::time_point> deadline{};
    std::function<void(TransformerImpl&)> before_training{};
  };

  TrainerFixture() { spdlog::set_level(spdlog::level::warn); }
  ~TrainerFixture() override { spdlog::set_level(spdlog::level::info); }

  static Config SmallConfig() {
    Config config;
    config.model.d_model = 32;
    config.model.num_heads = 4;
    config.model.ffn_dim = 64;
    config.model.num_encoder_layers = 1;
    config.model.num_decoder_layers = 1;
    config.model.dropout = 0.0;
    config.model.position_encoding.max_length = 16;
    config.training.label_smoothing = 0.0;
    config.training.learning_rate = 0.005;
    config.training.schedule = LearningRateSchedule::kConstant;
    config.training.warmup_steps = 0;
    config.training.batch_tokens = 32;
    config.training.max_steps = 10;
    config.training.log_every = 1000;
    config.training.validate_every = 0;
    config.training.save_every = 1000;
    config.training.best_metric = ValidationMetric::kLoss;
    return config;
  }

  Outcome Train(const std::string& name, const Config& config) {
    return Train(name, config, RunSetup());
  }

  Outcome Train(const std::string& name, const Config& config, const RunSetup& setup) {
    const std::filesystem::path path = folder_.path() / name;
    const RunDirectory run = setup.restore_step
                                 ? RunDirectory::Open(path)
                                 : RunDirectory::Create(path, {{"config.json", "{}"}}, false);
    const TokenizerPair& tokenizers = CopyTaskTokenizers();
    torch::manual_seed(setup.weights_seed);
    const int64_t vocabulary = tokenizers.source->vocab_size();
    Transformer model(config.model, VocabularySizes{.source = vocabulary, .target = vocabulary});
    model->to(device_);
    std::vector<ValidationSet> sets;
    if (setup.valid != nullptr) {
      sets.push_back({.corpus = *setup.valid, .score_translations = setup.score_translations});
    }
    for (const ValidationSet& set : setup.further_sets) sets.push_back(set);
    Trainer trainer(config, {.model = model,
                             .device = device_,
                             .train = corpus_,
                             .validation_sets = std::move(sets),
                             .tokenizers = tokenizers,
                             .run = run,
                             .saves_start = setup.saves_start,
                             .deadline = setup.deadline});
    if (setup.restore_step) {
      const auto checkpoint = run.CheckpointPath(*setup.restore_step);
      trainer.Restore(ReadCheckpoint(checkpoint), checkpoint.string());
    }
    if (setup.before_training) setup.before_training(*model);
    const StopReason reason = trainer.Run();
    return {.run = run, .reason = reason, .state = trainer.MakeState(), .model = model};
  }

  // The lines of metrics.jsonl, without clock times.
  static std::vector<Json> Metrics(const RunDirectory& run) {
    std::vector<Json> lines;
    std::istringstream text(ReadFile(run.MetricsPath()));
    for (std::string line; std::getline(text, line);) {
      Json json = ParseJson(line, "metrics.jsonl");
      json.erase("tokens_per_second");
      json.erase("seconds_per_step");
      lines.push_back(json);
    }
    return lines;
  }

  // The state that two identical runs share.
  static Json StateWithoutClock(const RunDirectory& run, int64_t step) {
    Json state = ParseJson(Bytes(run, step, kStateFile), "state.json");
    // The log contains speeds, so its size and checksum vary.
    for (const char* name : {"seconds", "metrics_bytes", "metrics_checksum"}) state.erase(name);
    return state;
  }

  static std::string Bytes(const RunDirectory& run, int64_t step, std::string_view file) {
    return ReadFile(run.CheckpointPath(step) / file);
  }

  torch::Device device_ = torch::kCPU;
  TemporaryFolder folder_;
  MemoryCorpus corpus_ = CopyTask(/*pairs=*/40, /*shortest=*/2, /*longest=*/8, /*seed=*/3);
};

}  // namespace wavemt
