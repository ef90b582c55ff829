#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

namespace wavemt {

/// A linear layer, x W^T + b, whose weight matrix may hold several projections below each other, as
/// that of queries, keys and values. LoRA (Hu et al. 2021) can be added to some of these blocks:
///   block of the result += alpha / rank * dropout(x) A^T B^T
/// for A [rank, in] and B [block, rank], which are registered as "lora_NAME_a" and "lora_NAME_b".
class ProjectionImpl : public torch::nn::LinearImpl {
 public:
  /// Maps [..., inputs] to [..., outputs]; the blocks are of equal size.
  ProjectionImpl(int64_t inputs, int64_t outputs, int64_t num_blocks = 1);

  torch::Tensor forward(const torch::Tensor& x);

  struct Lora {
    std::string name;
    int64_t block = 0;
    int64_t rank = 8;
    double alpha = 16.0;
    double dropout = 0.0;
  };
  /// Changes nothing yet: A is drawn from LibTorch's default generator, and B is zero.
  void AddLora(const Lora& lora);
  /// Makes the products part of the weight matrix, and removes A and B.
  void MergeLora();

  /// The weight matrix with the products of LoRA.
  torch::Tensor WeightWithLora() const;

  int64_t num_blocks() const { return num_blocks_; }
  bool has_lora() const { return !added_.empty(); }

 private:
  struct Added {
    Lora options;
    torch::Tensor a;  // [rank, inputs]
    torch::Tensor b;  // [block, rank]
  };
  int64_t BlockSize() const { return options.out_features() / num_blocks_; }

  int64_t num_blocks_;
  std::vector<Added> added_;
};
TORCH_MODULE(Projection);

}  // namespace wavemt
