#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "config/config.h"

namespace wavemt {

/// What a PackedLinear multiplies with.
enum class ProductKernels {
  kOneDnn,    // oneDNN's kernels for small blocks, which LibTorch offers as `brgemm`, on x86.
  kLibTorch,  // LibTorch's products of whole matrices, on any processor.
};

/// oneDNN's kernels if the processor has the instructions for them; `precision` is not kAuto.
ProductKernels BestKernels(DecodingPrecision precision);

/// Ends what the processor keeps for them (the tiles of AMX). A thread calls this when it has
/// nothing more to multiply for now.
void ReleaseKernels();

/// The input rows of a product, converted once for all of its columns. Made by
/// PackedLinear::Prepare(); keeps its memory from one use to the next.
struct PackedInput {
  int64_t rows = 0;
  const float* values = nullptr;   // fp32: the rows themselves, which must stay as they are.
  std::vector<uint16_t> rounded;   // bf16
  std::vector<uint8_t> quantized;  // int8, with a zero point
  std::vector<float> steps;        // int8: of each row
  std::vector<int32_t> sums;       // int8: room for a block of results
};

/// A linear layer, x W^T + b, prepared for many small products by a single thread: its weights lie
/// in the order in which the kernels read them. In int8, each output has a quantization step of its
/// own, and so has each input row, chosen by its largest number; sums are exact.
class PackedLinear {
 public:
  PackedLinear() = default;
  /// weight: [outputs, inputs]; bias: [outputs], undefined: none; both fp32.
  PackedLinear(const torch::Tensor& weight, const torch::Tensor& bias, DecodingPrecision precision,
               ProductKernels kernels);

  int64_t outputs() const { return outputs_; }

  /// x: [rows, inputs]
  void Prepare(const float* x, int64_t rows, PackedInput* input) const;

  enum class Then { kNothing, kRelu };
  /// Computes the columns from `begin`, a multiple of kBlock, to `end`: y[r * stride + c - begin].
  void Multiply(PackedInput& input, int64_t begin, int64_t end, float* y, int64_t stride,
                Then then = Then::kNothing) const;

  /// All columns: [rows, outputs].
  void Apply(const float* x, int64_t rows, PackedInput* input, float* y,
             Then then = Then::kNothing) const {
    Prepare(x, rows, input);
    Multiply(*input, 0, outputs_, y, outputs_, then);
  }

  static constexpr int64_t kBlock = 64;  // Columns that lie together.

 private:
  const float* BiasFrom(int64_t column) const {
    return bias_.defined() ? bias_.const_data_ptr<float>() + column : nullptr;
  }
  void MultiplyBlock(PackedInput& input, int64_t first_row, int64_t rows, int64_t first_column,
                     int64_t columns, float* y, int64_t stride, Then then) const;
  void MultiplyWhole(PackedInput& input, int64_t begin, int64_t end, float* y,
                     int64_t stride) const;

  DecodingPrecision precision_ = DecodingPrecision::kFp32;
  ProductKernels kernels_ = ProductKernels::kLibTorch;
  int64_t inputs_ = 0;
  int64_t outputs_ = 0;
  int64_t padded_inputs_ = 0;  // The kernels read bf16 in pairs and int8 in fours.
  /// kOneDnn: [blocks, padded_inputs / n, kBlock, n] for n numbers in 32 bits; kLibTorch: [outputs,
  /// padded_inputs].
  torch::Tensor weight_;
  torch::Tensor bias_;     // [outputs] or undefined.
  torch::Tensor steps_;    // int8: [outputs]
  torch::Tensor offsets_;  // int8: [outputs], what the zero point of the input adds.
};

}  // namespace wavemt
