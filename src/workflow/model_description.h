#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "config/config.h"
#include "data/corpus_profile.h"
#include "support/json.h"
#include "training/training_state.h"

namespace wavemt {

/// What a model is, from the files of its run. Nothing is computed with it.
struct ModelDescription {
  std::filesystem::path run;
  std::filesystem::path checkpoint;  // Where the weights are.
  Config config;
  std::string source_language;  // "en"; empty: not known.
  std::string target_language;
  int64_t weights = 0;  // Numbers that are learned.
  int64_t bytes = 0;
  int64_t source_vocabulary = 0;
  int64_t target_vocabulary = 0;
  bool shared_vocabulary = false;
  std::optional<CorpusProfile> trained_on;  // Nothing for a run of a version before 0.2.0.
  std::chrono::system_clock::time_point saved;

  // Nothing and null for weights alone, which do not say how they were trained.
  std::optional<TrainingState> state;
  Json state_json;

  std::string best_signature;  // sacreBLEU's, of state->best_score; empty: it has none.
};

/// Describes what `path` names (see LocateModel() in run_directory.h).
ModelDescription DescribeModel(const std::filesystem::path& path);

/// Everything that is known, as one object.
Json ToJson(const ModelDescription& description);

}  // namespace wavemt
