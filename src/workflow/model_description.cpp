#include "workflow/model_description.h"

#include <sstream>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "config/config_fields.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "workflow/languages.h"
#include "workflow/position_tables.h"
#include "workflow/position_text.h"
#include "workflow/run_files.h"
#include "workflow/trained_model.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// metrics.jsonl holds the signature of each validation's score. If it is missing or damaged, only
// the signature is unknown.
std::string SignatureOfStep(const fs::path& metrics, int64_t step, ValidationMetric metric) {
  const std::string key = fmt::format("valid/{}_signature", NameOf(metric));
  std::string signature;
  try {
    std::istringstream lines(ReadFile(metrics));
    for (std::string line; std::getline(lines, line);) {
      if (line.find(key) == std::string::npos) continue;
      const Json json = ParseJson(line, metrics.string());
      if (json.value("step", int64_t{-1}) == step) signature = json.value(key, "");
    }
  } catch (const std::exception&) {
    return signature;
  }
  return signature;
}

// The line of metrics.jsonl with the newest validation up to `last_step`; null if there is none, or
// if the log is missing or damaged.
Json NewestValidation(const fs::path& metrics, int64_t last_step) {
  Json newest;
  try {
    std::istringstream lines(ReadFile(metrics));
    for (std::string line; std::getline(lines, line);) {
      if (line.find("valid/loss") == std::string::npos) continue;
      Json json = ParseJson(line, metrics.string());
      if (JsonCount(json, "step", metrics.string()) <= last_step) newest = std::move(json);
    }
  } catch (const std::exception&) {
    return newest;
  }
  return newest;
}

void DescribeSets(ModelDescription* description) {
  const DataConfig& data = description->config.data;
  if (data.valid.named.empty() && data.test.named.empty()) return;
  Json line;
  if (description->is_average) {
    line = {{"step", description->state->step}};
    for (const NamedScore& score : description->average->scores) line[score.name] = score.value;
  } else {
    line = NewestValidation(description->run / "metrics.jsonl", description->state->step);
  }
  if (!line.is_object()) return;
  description->sets_step = JsonCount(line, "step", "metrics.jsonl");
  const auto describe = [&](const char* section, const std::vector<Named<HeldOutCorpus>>& sets) {
    for (const auto& set : sets) {
      ScoresOfSet found{.key = fmt::format("{}/{}", section, set.name), .scores = {}};
      for (const auto& [name, metric] : NamesOf(ValidationMetric{})) {
        const auto score = line.find(fmt::format("{}/{}", found.key, name));
        if (score == line.end() || !score->is_number()) continue;
        found.scores.emplace_back(name, score->get<double>());
      }
      if (!found.scores.empty()) description->sets.push_back(std::move(found));
    }
  };
  describe("valid", data.valid.named);
  describe("test", data.test.named);
}

std::chrono::system_clock::time_point LastWritten(const fs::path& path) {
  std::error_code ignored;
  const fs::file_time_type time = fs::last_write_time(path, ignored);
  return std::chrono::time_point_cast<std::chrono::system_clock::duration>(
      std::chrono::file_clock::to_sys(time));
}

void DescribeTraining(ModelDescription* description) {
  const fs::path& checkpoint = description->checkpoint;
  if (!IsFolder(checkpoint) || !HasCheckpointState(checkpoint)) return;
  const std::string origin = (checkpoint / kStateFile).string();
  description->state_json = ReadCheckpointState(checkpoint);
  if (!description->state_json.is_object()) {
    throw UsageError("{}: is not the state of a training, an object {{...}}", origin);
  }
  description->state = TrainingStateFromJson(description->state_json, origin);
  description->average = AverageOfState(description->state_json, origin);
  description->is_average = description->average.has_value();
  if (description->state->best_score) {
    description->best_signature =
        SignatureOfStep(description->run / "metrics.jsonl", description->state->best_step,
                        description->config.training.best_metric);
  }
  DescribeSets(description);
}

ModelDescription DescribeAt(const ModelLocation& location) {
  ModelDescription description;
  description.run = location.run;
  description.checkpoint = location.checkpoint;
  description.config = LoadRunConfig(location.run);
  description.origin = LoadRunOrigin(location.run);
  if (IsFolder(location.checkpoint) && HasAdapter(location.checkpoint)) {
    description.adapter = ReadAdapterInfo(location.checkpoint);
  }
  description.source_language = SourceLanguage(description.config.data);
  description.target_language = TargetLanguage(description.config.data);
  const TokenizerPair tokenizers = LoadRunTokenizers(location.run, description.config.tokenizer);
  description.source_vocabulary = tokenizers.source->vocab_size();
  description.target_vocabulary = tokenizers.target->vocab_size();
  description.shared_vocabulary = tokenizers.one_vocabulary();
  for (const auto& [name, tensor] : ReadWeights(location.checkpoint)) {
    description.bytes += static_cast<int64_t>(tensor.nbytes());
    if (name == kComputedTable) continue;
    description.weights += tensor.numel();
    if (name.starts_with(kPositionPrefix)) description.position_weights += tensor.numel();
  }
  description.trained_on = LoadRunProfile(location.run);
  const std::string_view file = description.adapter ? kAdapterFile : kModelFile;
  description.saved =
      LastWritten(IsFolder(location.checkpoint) ? location.checkpoint / file : location.checkpoint);
  DescribeTraining(&description);
  return description;
}

// The average of a run whose best model is another one; nothing if it is of an earlier end of the
// training, or if none is wanted any more.
std::optional<AverageOfBest> FindAverage(const RunDirectory& run, const TrainingConfig& config) {
  const fs::path folder = run.AveragePath();
  const std::string origin = (folder / kStateFile).string();
  try {
    if (config.average_best == 0 || !HasCheckpointState(folder)) return std::nullopt;
    const Json state = ReadCheckpointState(folder);
    if (JsonCount(state, "step", origin) != run.LatestStep()) return std::nullopt;
    return AverageOfState(state, origin);
  } catch (const Error& error) {
    spdlog::warn("{}", error.what());  // It is not the model that is described.
    return std::nullopt;
  }
}

}  // namespace

ModelDescription DescribeModel(const fs::path& path) {
  ModelDescription description = ReadModelAt(path, DescribeAt);
  if (RunDirectory::IsAt(path) && !description.average) {
    description.average = FindAverage(RunDirectory::Open(path), description.config.training);
  }
  return description;
}

Json ToJson(const ModelDescription& description) {
  const ModelConfig& model = description.config.model;
  Json json = {
      {"run", description.run.string()},
      {"checkpoint", description.checkpoint.string()},
      {"source_language", description.source_language},
      {"target_language", description.target_language},
      {"weights", description.weights},
      {"bytes", description.bytes},
      {"d_model", model.d_model},
      {"num_heads", model.num_heads},
      {"ffn_dim", model.ffn_dim},
      {"num_encoder_layers", model.num_encoder_layers},
      {"num_decoder_layers", model.num_decoder_layers},
      {"layer_norm", NameOf(model.layer_norm)},
      {"activation", NameOf(model.activation)},
      {"tied_embeddings", NameOf(model.tied_embeddings)},
      {"position_encoding", PositionsText(model.position_encoding)},
      {"position_weights", description.position_weights},
      {"source_vocabulary", description.source_vocabulary},
      {"target_vocabulary", description.target_vocabulary},
      {"shared_vocabulary", description.shared_vocabulary},
      {"normalize_whitespace", description.config.tokenizer.normalize_whitespace},
  };
  if (description.origin) json["initial_checkpoint"] = description.origin->checkpoint.string();
  if (description.adapter) json["adapter"] = ToJson(*description.adapter);
  if (const auto& profile = description.trained_on) {
    json["trained_on_pairs"] = profile->pairs;
    json["trained_on_several_sentences"] = profile->several_sentences;
    json["trained_on_longest_source"] = profile->longest_source;
    json["trained_on_longest_target"] = profile->longest_target;
  }
  if (description.state) {
    json.update(description.state_json);
    json["best_metric"] = NameOf(description.config.training.best_metric);
    json["best_signature"] = description.best_signature;
    if (description.average) AddToState(*description.average, &json);
    if (!description.sets.empty()) {
      Json& sets = json["sets"] = {{"step", description.sets_step}};
      for (const auto& [key, scores] : description.sets) {
        for (const auto& [name, value] : scores) sets[key][name] = value;
      }
    }
  }
  return json;
}

}  // namespace wavemt
