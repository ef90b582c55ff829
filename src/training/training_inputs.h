#pragma once

#include <torch/torch.h>

#include <functional>
#include <optional>

#include "checkpoint/run_directory.h"
#include "data/tokenized_corpus.h"
#include "data/tokenizer.h"
#include "model/transformer.h"
#include "training/memory_budget.h"
#include "training/time_limit.h"
#include "training/validation.h"

namespace wavemt {

/// What a training works on, besides the config. The references outlive it.
struct TrainingInputs {
  Transformer model{nullptr};  // On `device`.
  torch::Device device = torch::kCPU;
  const TokenizedCorpus& train;
  const TokenizedCorpus* valid = nullptr;  // Null: no validation.
  /// Whether `valid` comes from other files than when the run was last trained: where a checkpoint
  /// does not tell what its best score was measured on, they may hold another text.
  bool valid_is_renamed = false;
  TokenizerPair tokenizers;
  std::optional<RunDirectory> run{};  // Where to write; only ProfileUpdates() does without.
  /// Translates the validation text by the model as it is and scores it (BLEU and chrF; the loss is
  /// measured elsewhere), or gives nothing as soon as `stop_requested` says so. May be empty.
  using ScoreTranslations =
      std::function<std::optional<ValidationScores>(const std::function<bool()>& stop_requested)>;
  ScoreTranslations score_translations;
  MemoryLimit memory_limit{};
  /// When training must have stopped, its last checkpoint written; nothing: never.
  std::optional<TimeLimit::Clock::time_point> deadline{};
};

}  // namespace wavemt
