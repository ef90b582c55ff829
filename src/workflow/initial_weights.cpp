#include "workflow/initial_weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/run_directory.h"
#include "support/error.h"
#include "support/logging.h"
#include "workflow/position_tables.h"
#include "workflow/position_text.h"
#include "workflow/run_files.h"
#include "workflow/same_model.h"
#include "workflow/tokenizers.h"
#include "workflow/trained_model.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

bool IsOfPositions(const std::string& name) { return name.starts_with(kPositionPrefix); }

std::string ListOf(std::string_view what, const std::vector<std::string>& names) {
  return names.empty() ? "" : fmt::format("; {}: {}", what, fmt::join(names, ", "));
}

}  // namespace

InitialModel ReadInitialModel(const fs::path& path, const Config& config) {
  return ReadModelAt(path, [&](const ModelLocation& location) {
    InitialModel initial;
    initial.checkpoint = location.checkpoint;
    initial.config = LoadRunConfig(location.run);
    constexpr std::string_view kMayDiffer[] = {"model.position_encoding."};
    if (const auto difference = DifferenceOfModels(initial.config, config, kMayDiffer)) {
      throw UsageError(
          "{}: {} does not fit the weights of {}, which were trained with {}; only the position "
          "encoding may differ",
          difference->key, difference->value_of_b, location.checkpoint.string(),
          difference->value_of_a);
    }
    initial.tokenizers = LoadRunTokenizers(location.run, initial.config.tokenizer);
    initial.weights = ReadWeights(location.checkpoint);
    return initial;
  });
}

TokenizerPair TakeTokenizers(const InitialModel& initial, Config* config) {
  TokenizerConfig& named = config->tokenizer;
  if (named.model.empty() && named.source_model.empty()) {
    named = initial.config.tokenizer;
    return initial.tokenizers;
  }
  const TokenizerPair tokenizers = MakeTokenizers(*config);
  if (tokenizers.source->bytes() != initial.tokenizers.source->bytes() ||
      tokenizers.target->bytes() != initial.tokenizers.target->bytes()) {
    throw UsageError(
        "tokenizer.{}: is not the tokenizer of {}, whose weights know only their own vocabulary; "
        "leave it out to take that one",
        named.model.empty() ? "source_model" : "model", initial.checkpoint.string());
  }
  if (named.normalize_whitespace != initial.config.tokenizer.normalize_whitespace) {
    throw UsageError("tokenizer.normalize_whitespace: {} was trained with {}; use the same",
                     initial.checkpoint.string(), initial.config.tokenizer.normalize_whitespace);
  }
  return tokenizers;
}

void TakeWeights(const InitialModel& initial, const ModelConfig& config, Transformer* model) {
  const PositionEncodingConfig& before = initial.config.model.position_encoding;
  const PositionEncodingConfig& now = config.position_encoding;
  // Equal shapes are not enough: the buckets of t5 hold other distances then.
  const bool same_meaning =
      before.type == now.type && before.t5_max_distance == now.t5_max_distance;
  NamedTensors weights = initial.weights;
  NamedTensors targets = StateOf(**model);
  if (same_meaning) {
    for (const auto& table : (*model)->position_encoding->Tables()) {
      const auto saved = weights.find(std::string(kPositionPrefix) + table.name);
      if (saved == weights.end() || saved->second.dim() != 2) continue;
      torch::Tensor& target = targets.at(saved->first);
      const int64_t both =
          std::min(saved->second.size(table.dimension), target.size(table.dimension));
      saved->second = saved->second.narrow(table.dimension, 0, both);
      target = target.narrow(table.dimension, 0, both);
    }
  }
  const auto fits = [&](const std::string& name) {
    const auto saved = weights.find(name);
    const auto target = targets.find(name);
    return same_meaning && saved != weights.end() && target != targets.end() &&
           saved->second.sizes() == target->second.sizes();
  };
  std::vector<std::string> left_behind;
  std::vector<std::string> left_as_drawn;
  for (const auto& [name, tensor] : weights) {
    if (IsOfPositions(name) && !fits(name)) left_behind.push_back(name);
  }
  for (const auto& [name, tensor] : targets) {
    if (IsOfPositions(name) && !fits(name)) left_as_drawn.push_back(name);
  }
  for (const std::string& name : left_behind) weights.erase(name);
  for (const std::string& name : left_as_drawn) targets.erase(name);
  CopyTensors(weights, targets, initial.checkpoint.string());
  spdlog::info("weights: from {}, which has positions of the kind {}{}{}",
               initial.checkpoint.string(), PositionsText(before),
               ListOf("left behind", left_behind), ListOf("new", left_as_drawn));
}

}  // namespace wavemt
