#include "workflow/run_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/safetensors_header.h"
#include "config/config_fields.h"
#include "config/config_writer.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/progress.h"
#include "training/average_of_best.h"
#include "training/best_scores.h"
#include "training/training_state.h"
#include "workflow/languages.h"
#include "workflow/position_tables.h"
#include "workflow/position_text.h"
#include "workflow/run_files.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

std::string TextOrNothing(const fs::path& path) { return Exists(path) ? ReadFile(path) : ""; }

// The values under full keys: "data.train.source". A list of named corpora is one value.
void ListRecordedKeys(const std::string& key, const Json& value, std::vector<RecordedKey>* keys) {
  if (!value.is_object()) {
    keys->push_back({.key = key, .value = JsonLine(value)});
    return;
  }
  for (const auto& [name, item] : value.items()) ListRecordedKeys(key + "." + name, item, keys);
}

std::vector<RecordedKey> KeysOf(const Config& config) {
  std::vector<RecordedKey> keys;
  for (const auto& [key, value] : ConfigValues(config)) ListRecordedKeys(key, value, &keys);
  return keys;
}

std::vector<RecordedKey> RecordedKeys(const Config& config) {
  std::map<std::string, std::string> defaults;
  for (RecordedKey& key : KeysOf(Config{})) defaults.emplace(key.key, std::move(key.value));
  std::vector<RecordedKey> keys = KeysOf(config);
  for (RecordedKey& key : keys) {
    const auto usual = defaults.find(key.key);
    key.is_default = usual != defaults.end() && usual->second == key.value;
  }
  return keys;
}

std::string RecordedVocabulary(const fs::path& run, const TokenizerConfig& config) {
  const TokenizerPair tokenizers = LoadRunTokenizers(run, config);
  const std::string source = WithThousands(tokenizers.source->vocab_size());
  return tokenizers.one_vocabulary() ? fmt::format("{} pieces, shared by both languages", source)
                                     : fmt::format("{} source and {} target pieces", source,
                                                   WithThousands(tokenizers.target->vocab_size()));
}

// The learned numbers in a file, of which only the header is read.
int64_t WeightsInFile(const fs::path& file) {
  const uint64_t bytes = fs::file_size(file);
  const size_t length = ReadHeaderLength(ReadFile(file, kHeaderLengthBytes), bytes, file.string());
  const std::string text = ReadFile(file, kHeaderLengthBytes + length);
  const SafetensorsHeader header = ReadSafetensorsHeader(
      std::string_view(text).substr(kHeaderLengthBytes), bytes - text.size(), file.string());
  int64_t weights = 0;
  for (const TensorLayout& tensor : header.tensors) {
    if (tensor.name == kComputedTable) continue;
    int64_t numbers = 1;
    for (const int64_t size : tensor.shape) numbers *= size;
    weights += numbers;
  }
  return weights;
}

// The newest checkpoint; nothing if there is none.
std::optional<fs::path> NewestCheckpoint(const RunDirectory& run) {
  if (const auto step = run.LatestStep()) return run.CheckpointPath(*step);
  const std::vector<int64_t> steps = run.CheckpointSteps();
  return steps.empty() ? std::nullopt : std::optional(run.CheckpointPath(steps.back()));
}

std::optional<TrainingState> ReadNewestCheckpoint(const RunDirectory& run, RunRecord* record) {
  constexpr int kMostAttempts = 3;
  for (int attempt = 1;; ++attempt) {
    const std::optional<fs::path> checkpoint = NewestCheckpoint(run);
    if (!checkpoint) return std::nullopt;
    try {
      record->weights =
          WeightsInFile(*checkpoint / (HasAdapter(*checkpoint) ? kAdapterFile : kModelFile));
      if (!HasCheckpointState(*checkpoint)) return std::nullopt;
      return TrainingStateFromJson(ReadCheckpointState(*checkpoint),
                                   (*checkpoint / kStateFile).string());
    } catch (const std::exception& error) {
      // A training may have removed it meanwhile.
      if (attempt < kMostAttempts && NewestCheckpoint(run) != checkpoint) continue;
      spdlog::warn("{}; what it says about the training is left out", error.what());
      return std::nullopt;
    }
  }
}

// The step of the best validation: the best one up to the newest checkpoint, or a later one.
std::optional<int64_t> BestStepSoFar(const RunRecord& record, const TrainingConfig& config,
                                     const std::optional<TrainingState>& state) {
  BestScores best(config.best_metric, 1);
  if (state && state->best_score) {
    best.Restore(
        {{.step = state->best_step, .score = *state->best_score, .loss = state->best_loss}});
  }
  const LoggedSeries* scores = record.metrics.Find("valid/" + record.best_metric);
  const LoggedSeries* losses = record.metrics.Find("valid/loss");
  if (scores != nullptr) {
    for (const auto& [step, value] : scores->points) {
      if (!std::isfinite(value) || (state && step <= state->step)) continue;
      const LoggedSeries::Point* loss = losses == nullptr ? nullptr : losses->At(step);
      best.Add({.step = step,
                .score = value,
                .loss = loss == nullptr ? std::nullopt : std::optional(loss->value)});
    }
  }
  return best.all().empty() ? std::nullopt : std::optional(best.all().front().step);
}

// The time that the newest checkpoint knows of, and that of the lines logged since.
double SecondsSoFar(const MetricsHistory& metrics, const std::optional<TrainingState>& state) {
  double seconds = state ? state->seconds : 0;
  const LoggedSeries* series = metrics.Find("seconds_per_step");
  if (series == nullptr) return seconds;
  int64_t before = 0;
  for (const auto& [step, value] : series->points) {
    const int64_t from = std::max(before, state ? state->step : 0);
    if (step > from && std::isfinite(value)) seconds += value * static_cast<double>(step - from);
    before = step;
  }
  return seconds;
}

std::string DescribeAverage(const RunDirectory& run, ValidationMetric metric) {
  const fs::path folder = run.AveragePath();
  try {
    if (!run.BestIsAverage() || !HasCheckpointState(folder)) return "";
    const auto average =
        AverageOfState(ReadCheckpointState(folder), (folder / kStateFile).string());
    if (!average) return "";
    return fmt::format("the average of steps {}: {}", StepsText(*average),
                       ScoresText(*average, metric));
  } catch (const Error& error) {
    spdlog::warn("{}", error.what());
    return "";
  }
}

}  // namespace

RunRecord ReadRunRecord(const fs::path& path, bool may_be_empty) {
  const RunDirectory run = RunDirectory::Open(path);
  const Config config = LoadRunConfig(run.path());
  RunRecord record;
  record.path = run.path();
  record.metrics = ParseMetrics(TextOrNothing(run.MetricsPath()));
  if (record.metrics.series.empty() && !may_be_empty) {
    throw UsageError(
        "{}: {}, so there is nothing to report; a training writes its first line after "
        "training.log_every steps",
        run.MetricsPath().string(),
        Exists(run.MetricsPath()) ? "has no line that can be read" : "does not exist");
  }
  record.samples = ParseSamples(TextOrNothing(run.SamplesPath()));
  record.starts = ParseStarts(TextOrNothing(run.StartsPath()));
  record.config = RecordedKeys(config);
  record.config_text = ConfigText(config);
  record.source_language = SourceLanguage(config.data);
  record.target_language = TargetLanguage(config.data);
  record.model =
      fmt::format("{}+{} layers, d_model {}, {} heads, ffn_dim {}", config.model.num_encoder_layers,
                  config.model.num_decoder_layers, WithThousands(config.model.d_model),
                  config.model.num_heads, WithThousands(config.model.ffn_dim));
  record.vocabulary = RecordedVocabulary(run.path(), config.tokenizer);
  record.positions = PositionsText(config.model.position_encoding);
  record.max_steps = config.training.max_steps;
  record.best_metric = NameOf(config.training.best_metric);
  const std::optional<TrainingState> state = ReadNewestCheckpoint(run, &record);
  if (state) record.target_tokens = state->target_tokens;
  record.best_step = BestStepSoFar(record, config.training, state);
  record.seconds = SecondsSoFar(record.metrics, state);
  record.average = DescribeAverage(run, config.training.best_metric);
  return record;
}

}  // namespace wavemt
