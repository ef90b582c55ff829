#pragma once

#include <torch/torch.h>

#include "data/batch.h"

namespace wavemt {

/// A batch as the tensors that the model takes.
struct DeviceBatch {
  torch::Tensor source;            // [rows, src_len], ids
  torch::Tensor src_padding_mask;  // [rows, 1, 1, src_len], true = may attend; undefined: all may
  torch::Tensor target_input;      // [rows, tgt_len], ids
  torch::Tensor labels;            // [rows, tgt_len], ids or kIgnoredLabel
  torch::Tensor label_weights;     // [rows, tgt_len], fp32; undefined: all are 1
};

/// Copies a batch to a device. Does not wait for the copy to a GPU.
DeviceBatch ToDevice(const Batch& batch, torch::Device device);

/// The batch twice, [2 * rows, ...]: the second half of the rows repeats the first.
DeviceBatch Doubled(const DeviceBatch& batch);

}  // namespace wavemt
