#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/batch.h"
#include "data/batcher.h"
#include "model/transformer.h"
#include "training/batch_piece.h"
#include "training/model_in_training.h"
#include "training/oversized_batches.h"
#include "training/step_tally.h"

namespace wavemt {

/// The batches of one update, `count` of them.
std::vector<Batch> NextBatches(Batcher& batcher, int64_t count);

struct BatchLossOptions {
  torch::Device device = torch::kCPU;
  Precision precision = Precision::kFp32;
  double label_smoothing = 0.0;
};

/// The forward pass of a batch: the summed loss of its target tokens, in nats (see loss.h).
torch::Tensor BatchLoss(Transformer& model, const Batch& batch, const BatchLossOptions& options);

/// Forward and backward passes of an update: from batches to the gradient of the mean loss of a
/// target token.
///
/// A batch that does not fit the memory is done in halves, and those in halves where need be. The
/// gradient is the same but for rounding, as each piece counts by its tokens; with dropout, a half
/// draws numbers of its own. Under a limit that is counted (tensor_memory.h) the same batch is
/// always done in the same pieces.
class ForwardBackward {
 public:
  struct Options {
    BatchLossOptions loss;
    uint64_t seed = 0;        // The run's.
    std::string memory_name;  // For messages: "the machine's memory".
  };
  ForwardBackward(Transformer model, Options options);

  /// Adds the gradient to the parameters' and returns the summed loss of all target tokens, a
  /// scalar on the device in double precision. Calls `clear_gradients` before it begins, whenever
  /// it starts over, and when it fails. A failure where not even a single pair fits the memory.
  torch::Tensor Run(int64_t step, std::vector<Batch> batches,
                    const std::function<void()>& clear_gradients);

  /// The forward passes of the last Run() alone, with the same random numbers.
  void RepeatForward();

 private:
  torch::Tensor LossOf(const BatchPiece& piece);
  std::pair<BatchPiece, BatchPiece> HalveOversized(const BatchPiece& piece);

  Transformer model_;
  Options options_;
  OversizedBatches oversized_;

  // Of the last Run().
  int64_t step_ = 0;
  std::vector<BatchPiece> pieces_;
};

/// Updates of the weights, one after the other.
class Updater {
 public:
  /// `model` is on `device` and keeps its parameters. `memory_name` as in ForwardBackward.
  Updater(const Config& config, Transformer model, torch::Device device,
          std::string memory_name = "the memory of this machine");

  /// Update number `step` (from 1), by the gradient of the mean loss of `batches`. A loss or
  /// gradient that is not finite changes nothing and counts as skipped. A failure where not even a
  /// single pair fits the memory; nothing has changed then.
  void Step(int64_t step, std::vector<Batch> batches);

  /// What the updates change.
  ModelInTraining& trained() { return trained_; }
  const ModelInTraining& trained() const { return trained_; }
  /// What the updates came to. To read it waits for the device.
  StepTally& tally() { return tally_; }
  const StepTally& tally() const { return tally_; }
  /// Of the last update, before clipping; a scalar on the device.
  const torch::Tensor& gradient_norm() const { return gradient_norm_; }
  /// Where the last update, which was skipped, first met a number that is not finite: a clause for
  /// people. Repeats the forward pass.
  std::string FindNotFinite();

 private:
  TrainingConfig config_;
  torch::Device device_;
  ModelInTraining trained_;
  ForwardBackward forward_backward_;
  StepTally tally_;

  // Of the last update, on the device.
  torch::Tensor loss_;  // Summed over the target tokens.
  torch::Tensor gradient_norm_;
};

}  // namespace wavemt
