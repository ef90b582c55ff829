#pragma once

#include <torch/torch.h>

#include <functional>

namespace wavemt {

/// While this exists, if `enabled`, the layers that this thread runs are checkpointed: see
/// Checkpointed().
class GradientCheckpointing {
 public:
  explicit GradientCheckpointing(bool enabled);
  ~GradientCheckpointing();
  GradientCheckpointing(const GradientCheckpointing&) = delete;
  GradientCheckpointing& operator=(const GradientCheckpointing&) = delete;

 private:
  bool previously_enabled_;
};

/// Returns layer(), which computes on `device`. Within GradientCheckpointing, and if gradients are
/// wanted, what the layer computes is not kept for the backward pass, which runs the layer once
/// more instead, with the same random numbers and the same autocast (Chen et al. 2016). Gradients
/// are the same to the byte, because the backward pass is the same: it only gets tensors that were
/// computed again. `layer` owns what it needs; it is called on the thread of the backward pass.
torch::Tensor Checkpointed(torch::Device device, std::function<torch::Tensor()> layer);

}  // namespace wavemt
