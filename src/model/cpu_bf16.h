#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace wavemt {

/// Matrix products of training in bf16 on the CPU. oneDNN compiles a kernel for every shape of
/// product, which takes 4 to 7 ms, and each batch has another number of rows. So rows of zeros are
/// added up to one of few numbers: after the first steps, nothing is compiled anymore.

/// Whether linear layers multiply `x` in bf16 on the CPU: autocast is on there.
bool UsesCpuBf16(const torch::Tensor& x);

/// `rows` rounded up to a multiple of an eighth of the power of two below it, and of 32.
int64_t RoundedRows(int64_t rows);

/// x: [..., columns] -> [rounded rows, columns] in bf16; the rows that were added are zero.
torch::Tensor InRoundedRows(const torch::Tensor& x);

/// x W^T + b for x [..., inputs], W [outputs, inputs] and b [outputs], in bf16.
/// REQUIRES: UsesCpuBf16(x)
torch::Tensor CpuBf16Linear(const torch::Tensor& x, const torch::Tensor& weight,
                            const torch::Tensor& bias);

struct FeedForwardWeights {
  torch::Tensor in_weight;   // [ffn_dim, d_model]
  torch::Tensor in_bias;     // [ffn_dim]
  torch::Tensor out_weight;  // [d_model, ffn_dim]
  torch::Tensor out_bias;    // [d_model]
};
/// relu(x W_in^T + b_in) W_out^T + b_out for x [..., d_model], in bf16. The rounded rows go from
/// one product to the next. REQUIRES: UsesCpuBf16(x)
torch::Tensor CpuBf16FeedForward(const torch::Tensor& x, const FeedForwardWeights& weights);

}  // namespace wavemt
