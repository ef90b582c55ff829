#pragma once

#include <torch/torch.h>

#include <memory>
#include <optional>
#include <vector>

#include "checkpoint/run_directory.h"
#include "data/tokenized_corpus.h"
#include "data/tokenizer.h"
#include "distributed/world.h"
#include "model/transformer.h"
#include "support/json.h"
#include "training/memory_budget.h"
#include "training/picture.h"
#include "training/time_limit.h"
#include "training/validation.h"

namespace wavemt {

/// Everything that a training needs besides the config. The referenced objects must outlive the
/// training.
struct TrainingInputs {
  Transformer model{nullptr};  // On `device`.
  torch::Device device = torch::kCPU;
  const TokenizedCorpus& train;
  /// What validations measure the model on; the first set selects the best checkpoint. Empty: no
  /// validation.
  std::vector<ValidationSet> validation_sets{};
  /// Whether the first set comes from other files than when the run was last trained. If the
  /// checkpoint does not say which text its best score was measured on, these may hold a different
  /// one.
  bool valid_is_renamed = false;
  TokenizerPair tokenizers;
  /// The processes that train together.
  std::shared_ptr<World> world = std::make_shared<World>();
  /// Where rank 0 writes; the others only name it. Only ProfileUpdates() needs none.
  std::optional<RunDirectory> run{};
  /// What checkpoints say of the adapter that is trained (see checkpoint.h); null: there is none.
  Json adapter{};
  /// Whether the weights cannot be drawn again from the seed, so that they must be in a checkpoint
  /// before the first step.
  bool saves_start = false;
  /// The line of starts.jsonl.
  Json start{};
  /// What TensorBoard is to show from the start.
  std::vector<Picture> pictures{};
  MemoryLimit memory_limit{};
  /// When training must have stopped and written its last checkpoint; nothing if there is no
  /// deadline.
  std::optional<TimeLimit::Clock::time_point> deadline{};
};

}  // namespace wavemt
