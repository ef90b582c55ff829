#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/batch.h"
#include "model/transformer.h"
#include "training/batch_loss.h"
#include "training/oversized_batches.h"

namespace wavemt {

/// Forward and backward passes of an update: from batches to the gradient of their mean loss, over
/// the tokens of all of them.
///
/// A batch that does not fit the memory is done in two halves, and those in halves where need be.
/// The gradient is the same but for rounding, as each part counts by its tokens; with dropout, a
/// half draws numbers of its own. Under a limit that is counted (tensor_memory.h) the same batch is
/// always done in the same parts.
class ForwardBackward {
 public:
  struct Options {
    BatchLossOptions loss;
    uint64_t seed = 0;        // The run's: dropout is a function of it, the step and the batch.
    std::string memory_name;  // For messages: "the machine's memory".
  };
  ForwardBackward(Transformer model, Options options);

  /// Adds the gradient to the parameters' and returns the summed loss of all target tokens, a
  /// scalar on the device in double precision. Calls `clear_gradients` before it begins, and again
  /// where it begins anew. A failure where not even a single pair fits the memory.
  torch::Tensor Run(int64_t step, std::span<const Batch> batches,
                    const std::function<void()>& clear_gradients);

  /// The forward passes of Run() alone, with the same numbers.
  void Forward(int64_t step, std::span<const Batch> batches);

 private:
  // A batch or a part of one.
  struct Part {
    const Batch* batch = nullptr;
    uint64_t batch_number = 0;  // In the update, from 0.
    // 1 is the batch, 2 and 3 are its halves, 4 and 5 the halves of 2, and so on.
    uint64_t node = 1;
  };

  // All that an update works through, in order.
  struct Plan {
    std::vector<Part> parts;
    std::deque<Batch> halves;  // What `parts` points to, besides the batches.
  };

  Plan MakePlan(std::span<const Batch> batches) const;
  void SplitAsKnown(Plan* plan, size_t first) const;
  static void Split(Plan* plan, size_t index);
  torch::Tensor LossOf(int64_t step, const Part& part);
  void NoteOversized(int64_t step, const Plan& plan, size_t index);

  Transformer model_;
  Options options_;
  OversizedBatches oversized_;
};

}  // namespace wavemt
