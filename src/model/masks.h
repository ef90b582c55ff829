#pragma once

#include <torch/torch.h>

namespace wavemt {

/// Marks the positions of padded sentences that hold a token. lengths: [batch], int64.
/// Returns [batch, 1, 1, max_length], bool, true = may attend; it broadcasts over heads and
/// queries.
torch::Tensor PaddingMask(const torch::Tensor& lengths, int64_t max_length);

}  // namespace wavemt
