#include "workflow/initial_weights.h"

#include <fmt/ranges.h>

#include <vector>

#include "checkpoint/run_directory.h"
#include "config/config_fields.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"
#include "workflow/position_tables.h"
#include "workflow/position_text.h"
#include "workflow/run_files.h"
#include "workflow/tokenizers.h"
#include "workflow/trained_model.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

bool IsOfPositions(const std::string& name) { return name.starts_with(kPositionPrefix); }

}  // namespace

InitialModel ReadInitialModel(const fs::path& path) {
  return ReadModelAt(path, [](const ModelLocation& location) {
    InitialModel initial;
    initial.checkpoint = location.checkpoint;
    initial.config = LoadRunConfig(location.run);
    initial.tokenizers = LoadRunTokenizers(location.run, initial.config.tokenizer);
    initial.weights = ReadWeights(location.checkpoint);
    return initial;
  });
}

TokenizerPair TokenizersOfInitialModel(const Config& config, const InitialModel& initial) {
  if (config.tokenizer.shared != initial.tokenizers.shared()) {
    throw UsageError("tokenizer.shared: is {}, but {} has {}; use {}", config.tokenizer.shared,
                     initial.checkpoint.string(),
                     initial.tokenizers.shared() ? "one vocabulary for both sides"
                                                 : "a vocabulary for each side",
                     initial.tokenizers.shared());
  }
  if (config.tokenizer.model.empty() && config.tokenizer.source_model.empty()) {
    return initial.tokenizers;
  }
  const TokenizerPair named = MakeTokenizers(config);
  if (named.source->bytes() != initial.tokenizers.source->bytes() ||
      named.target->bytes() != initial.tokenizers.target->bytes()) {
    throw UsageError(
        "tokenizer.{}: is not the tokenizer of {}, whose weights know only their own vocabulary; "
        "leave it out to take that one",
        config.tokenizer.model.empty() ? "source_model" : "model", initial.checkpoint.string());
  }
  return named;
}

void TakeWeights(const InitialModel& initial, Transformer* model) {
  const std::string origin = initial.checkpoint.string();
  NamedTensors weights = initial.weights;
  NamedTensors targets = StateOf(**model);
  FitPositionTables(*(*model)->position_encoding, origin, &weights);
  std::vector<std::string> left_behind;
  std::vector<std::string> left_as_drawn;
  std::erase_if(weights, [&](const auto& item) {
    if (!IsOfPositions(item.first)) return false;
    const auto target = targets.find(item.first);
    if (target != targets.end() && target->second.sizes() == item.second.sizes()) return false;
    left_behind.push_back(item.first);
    return true;
  });
  std::erase_if(targets, [&](const auto& item) {
    if (!IsOfPositions(item.first) || weights.contains(item.first)) return false;
    left_as_drawn.push_back(item.first);
    return true;
  });
  CopyTensors(weights, targets, origin);
  spdlog::info("weights: from {}, which has positions of the kind {}{}{}", origin,
               PositionsText(initial.config.model.position_encoding),
               left_behind.empty() ? std::string()
                                   : fmt::format("; left behind: {}", fmt::join(left_behind, ", ")),
               left_as_drawn.empty() ? std::string()
                                     : fmt::format("; new: {}", fmt::join(left_as_drawn, ", ")));
}

}  // namespace wavemt
