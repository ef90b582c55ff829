#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "data/batch.h"
#include "model/transformer.h"

namespace wavemt {

struct BatchLossOptions {
  torch::Device device = torch::kCPU;
  Precision precision = Precision::kFp32;
  double label_smoothing = 0.0;
};

/// The forward pass of a batch: the summed loss of its target tokens, in nats (see loss.h).
torch::Tensor BatchLoss(Transformer& model, const Batch& batch, const BatchLossOptions& options);

}  // namespace wavemt
