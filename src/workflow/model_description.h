#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "data/corpus_profile.h"
#include "support/json.h"
#include "training/average_of_best.h"
#include "training/training_state.h"
#include "workflow/adapter_info.h"

namespace wavemt {

/// The scores of a named set of data.valid or data.test.
struct ScoresOfSet {
  std::string key;                                     // "valid/news"
  std::vector<std::pair<std::string, double>> scores;  // By names: "loss", "bleu".
};

/// What the files of a run say about a model, without computing anything with it.
struct ModelDescription {
  std::filesystem::path run;
  std::filesystem::path checkpoint;  // The folder or file with the weights.
  Config config;
  std::optional<WeightsOrigin> origin;  // The weights that training began with.
  std::optional<AdapterInfo> adapter;  // The weights are its own, those of its base not among them.
  std::string source_language;         // For example "en"; empty if unknown.
  std::string target_language;
  int64_t weights = 0;           // The number of learned parameters.
  int64_t position_weights = 0;  // Those of the position encoding among them.
  int64_t bytes = 0;
  int64_t source_vocabulary = 0;
  int64_t target_vocabulary = 0;
  bool shared_vocabulary = false;
  std::optional<CorpusProfile> trained_on;  // Nothing for runs of versions before 0.2.0.
  std::chrono::system_clock::time_point saved;

  // Nothing and null for a file of weights, which does not say how they were trained.
  std::optional<TrainingState> state;
  Json state_json;

  /// The named sets in the newest validation up to the checkpoint, of step `sets_step`; those of an
  /// average in its own. Empty if there are none, or if the run's log is lost.
  std::vector<ScoresOfSet> sets;
  int64_t sets_step = 0;

  /// The average that training.average_best made, if it is this model, or if the run has one and
  /// the run is what was named.
  std::optional<AverageOfBest> average{};
  bool is_average = false;  // It is this model.

  std::string best_signature;  // sacreBLEU's, of state->best_score; empty if it has none.
};

/// Describes the model that `path` names (see LocateModel() in run_directory.h).
ModelDescription DescribeModel(const std::filesystem::path& path);

/// The complete description as a JSON object.
Json ToJson(const ModelDescription& description);

}  // namespace wavemt
