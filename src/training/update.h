#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "data/batch.h"
#include "distributed/world.h"
#include "model/transformer.h"
#include "training/batch_piece.h"
#include "training/gradient_sum.h"
#include "training/model_in_training.h"
#include "training/oversized_batches.h"
#include "training/step_tally.h"
#include "training/update_batches.h"

namespace wavemt {

struct BatchLossOptions {
  torch::Device device = torch::kCPU;
  Precision precision = Precision::kFp32;
  double label_smoothing = 0.0;
  double r_drop_alpha = 0.0;            // 0: without R-Drop, as always in validation.
  bool gradient_checkpointing = false;  // As r_drop_alpha, never in validation.
};

/// The forward pass of a batch; with R-Drop two of them, as one over the batch twice. Returns the
/// summed loss of its target tokens in nats (see loss.h).
torch::Tensor BatchLoss(Transformer& model, const Batch& batch, const BatchLossOptions& options);

/// The forward and backward passes of an update: computes the gradient of the mean loss per target
/// token, over the batches of all ranks.
///
/// A batch that does not fit in memory is split into halves, repeatedly if necessary. The gradient
/// is the same except for rounding, because each piece is weighted by its tokens; with dropout, a
/// half draws different numbers. Under a limit on tensors (tensor_memory.h), the same batch is
/// always split into the same pieces. If memory runs out on one rank, all ranks start the update
/// over.
class ForwardBackward {
 public:
  struct Options {
    BatchLossOptions loss{};
    uint64_t seed = 0;          // The run's.
    std::string memory_name{};  // For messages: "the machine's memory".
    std::shared_ptr<World> world = std::make_shared<World>();
    GradientSum::Options sum{};
  };
  ForwardBackward(Transformer model, Options options);

  /// Leaves the gradient in the parameters and returns the summed loss of all target tokens, a
  /// double-precision scalar on the device. Calls `clear_gradients` before it starts,
  /// whenever it starts over, and when it fails. Throws a failure if even a single pair does not
  /// fit in memory.
  torch::Tensor Run(int64_t step, UpdateBatches update,
                    const std::function<void()>& clear_gradients);

  /// Repeats only the forward passes of the last Run(), with the same random numbers.
  /// REQUIRES: CanRepeat()
  void RepeatForward();
  /// Whether the last Run() succeeded; one that failed has kept nothing to repeat.
  bool CanRepeat() const { return !pieces_.empty(); }
  /// Instead of Run(), if this rank cannot take part because of `error`, which it then throws: all
  /// ranks fail. Null: another rank has an error. With one process, does nothing.
  void FailTogether(const std::exception_ptr& error);
  /// What it cost to sum the gradients over all ranks in the last Run().
  const GradientSum::Cost& sum_cost() const { return gradient_sum_.cost(); }

 private:
  // How the passes of a rank ended. Of all ranks together, the last of these counts.
  enum class Outcome { kDone, kStartOver, kFailed };

  torch::Tensor LossOf(const BatchPiece& piece);
  Outcome Agree(Outcome own) const;
  std::pair<BatchPiece, BatchPiece> HalveOversized(const BatchPiece& piece);

  Transformer model_;
  Options options_;
  GradientSum gradient_sum_;
  OversizedBatches oversized_;

  // Of the last Run().
  int64_t step_ = 0;
  std::vector<BatchPiece> pieces_;
};

/// Updates the weights, one update after another.
class Updater {
 public:
  struct Options {
    std::string memory_name = "the memory of this machine";  // See ForwardBackward.
    std::shared_ptr<World> world = std::make_shared<World>();
  };
  /// `model` is on `device` and must keep its parameters.
  Updater(const Config& config, Transformer model, torch::Device device, Options options);
  Updater(const Config& config, Transformer model, torch::Device device);

  /// Performs update number `step` (from 1) with the gradient of the mean loss of `update`. If the
  /// loss or gradient is not finite, nothing changes and the step counts as skipped. Throws a
  /// failure, without having changed anything, if even a single pair does not fit in memory.
  void Step(int64_t step, UpdateBatches update);
  /// Instead of Step(), if this rank cannot do its part because of `error`: all ranks fail.
  void FailTogether(const std::exception_ptr& error) { forward_backward_.FailTogether(error); }

  /// The model and everything else that updates change.
  ModelInTraining& trained() { return trained_; }
  const ModelInTraining& trained() const { return trained_; }
  /// Sums and counts of the updates. Reading them waits for the device.
  StepTally& tally() { return tally_; }
  const StepTally& tally() const { return tally_; }
  /// Of the last update, before clipping. A scalar on the device.
  const torch::Tensor& gradient_norm() const { return gradient_norm_; }
  /// See ForwardBackward.
  const GradientSum::Cost& sum_cost() const { return forward_backward_.sum_cost(); }
  /// Describes where the last update, which was skipped, first produced a number that is not
  /// finite: a clause for people. Repeats the forward pass.
  std::string FindNotFinite();

 private:
  TrainingConfig config_;
  torch::Device device_;
  std::shared_ptr<World> world_;
  ModelInTraining trained_;
  ForwardBackward forward_backward_;
  StepTally tally_;

  // Of the last update, on the device.
  torch::Tensor loss_;  // Summed over the target tokens.
  torch::Tensor gradient_norm_;
};

}  // namespace wavemt
