#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "workflow/metrics_history.h"
#include "workflow/sample_history.h"
#include "workflow/training_starts.h"

namespace wavemt {

/// A config key with its value as JSON.
struct RecordedKey {
  std::string key{};
  std::string value{};
  bool is_default = true;
};

/// What the folder of a run tells about its training, for people to look at: no model is opened.
struct RunRecord {
  std::filesystem::path path;
  MetricsHistory metrics;
  SampleHistory samples;
  TrainingStarts starts;

  std::vector<RecordedKey> config;  // Every key, in the order of the config. Each occurs once.
  std::string config_text;          // config.json with all defaults.
  std::string source_language;      // For example "en"; empty if unknown.
  std::string target_language;
  std::string model;       // "2+2 layers, d_model 128, 4 heads, ffn_dim 512"
  std::string vocabulary;  // "1,000 pieces, shared by both languages"
  std::string positions;   // "sinusoidal, 512 positions"

  int64_t max_steps = 0;
  std::string best_metric;           // training.best_metric: "bleu".
  std::optional<int64_t> best_step;  // Of the validations so far.
  std::string average;  // What checkpoints/average is, if it is the run's best model; else empty.

  double seconds = 0;  // Spent in training, over all sessions.
  // Nothing before the first checkpoint.
  std::optional<int64_t> target_tokens;
  std::optional<int64_t> weights;  // Those of the adapter alone if one was trained.
};

/// Reads a run, which may be in training. A usage error if there is no run at `path`, if its config
/// or tokenizers are damaged, or if it has logged nothing that can be read, unless `may_be_empty`.
RunRecord ReadRunRecord(const std::filesystem::path& path, bool may_be_empty);

}  // namespace wavemt
