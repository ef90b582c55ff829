#pragma once

#include <torch/torch.h>

#include <vector>

#include "config/config.h"
#include "training/picture.h"

namespace wavemt {

/// What TensorBoard shows of the position encoding of `model`, a model of `config`: what it adds to
/// the embeddings, or, of one that acts in attention, its curves by distance, a row a curve. Shows
/// as many positions as a sentence of the training text may have, up to 512.
std::vector<Picture> PositionPictures(const Config& config, const torch::nn::Module& model);

}  // namespace wavemt
