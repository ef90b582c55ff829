#include "inference/packed_linear.h"

#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <array>

#include "inference/kernels.h"

namespace wavemt {
namespace {

using at::native::cpublas::brgemm;

// How many numbers the kernels take together: 32 bits of them.
int64_t Together(DecodingPrecision precision) {
  switch (precision) {
    case DecodingPrecision::kBf16:
      return 2;
    case DecodingPrecision::kInt8:
      return 4;
    case DecodingPrecision::kFp32:
    case DecodingPrecision::kAuto:
      break;
  }
  return 1;
}

// Where a processor lacks the instructions for a type, LibTorch throws.
template <typename Input, typename Weight, typename Output>
bool Works() {
  std::array<Input, 16> a{};
  std::array<Weight, 16> b{};
  std::array<Output, 16> c{};
  try {
    brgemm(/*M=*/1, /*N=*/1, /*K=*/4, /*ld_a=*/4, /*ld_b=*/1, /*ld_c=*/1, /*add_C=*/false, a.data(),
           b.data(), c.data());
    ReleaseKernels();
    return true;
  } catch (const c10::Error&) {
    return false;
  }
}

struct QuantizedWeight {
  torch::Tensor values;   // [outputs, inputs], int8
  torch::Tensor steps;    // [outputs]
  torch::Tensor offsets;  // [outputs], int32
};

QuantizedWeight Quantize(const torch::Tensor& weight) {
  const auto largest = std::get<0>(weight.abs().max(/*dim=*/1, /*keepdim=*/true));
  const auto steps = (largest / 127.0).clamp_min(1e-30);
  const auto values = (weight / steps).round().to(torch::kChar);
  return {
      .values = values,
      .steps = steps.flatten().contiguous(),
      .offsets = (values.to(torch::kInt).sum(/*dim=*/1) * kZeroPoint).to(torch::kInt).contiguous()};
}

// [outputs, inputs] -> [blocks, inputs / together, kBlock, together]
torch::Tensor InBlocks(const torch::Tensor& weight, int64_t together) {
  const int64_t blocks = (weight.size(0) + PackedLinear::kBlock - 1) / PackedLinear::kBlock;
  return torch::constant_pad_nd(weight, {0, 0, 0, blocks * PackedLinear::kBlock - weight.size(0)})
      .view({blocks, PackedLinear::kBlock, weight.size(1) / together, together})
      .permute({0, 2, 1, 3})
      .contiguous();
}

// A view of rows that belong to someone else.
template <typename T>
torch::Tensor View(T* data, int64_t rows, int64_t columns, int64_t stride, torch::ScalarType type) {
  // from_blob() takes no pointer to const, and nothing writes to the inputs.
  return torch::from_blob(const_cast<std::remove_const_t<T>*>(data), {rows, columns}, {stride, 1},
                          torch::TensorOptions(type));
}

}  // namespace

void ReleaseKernels() { at::native::cpublas::brgemm_release(); }

ProductKernels BestKernels(DecodingPrecision precision) {
  // Where there are no kernels for fp32, LibTorch does not say so but multiplies in another way.
#if defined(__x86_64__)
  static const bool has_fp32 = __builtin_cpu_supports("avx512f") &&
                               __builtin_cpu_supports("avx512bw") &&
                               __builtin_cpu_supports("avx512vl") && Works<float, float, float>();
#else
  static const bool has_fp32 = false;
#endif
  static const bool has_bf16 = Works<at::BFloat16, at::BFloat16, float>();
  static const bool has_int8 = Works<unsigned char, signed char, int32_t>();
  const bool works = precision == DecodingPrecision::kBf16   ? has_bf16
                     : precision == DecodingPrecision::kInt8 ? has_int8
                                                             : has_fp32;
  return works ? ProductKernels::kOneDnn : ProductKernels::kLibTorch;
}

PackedLinear::PackedLinear(const torch::Tensor& weight, const torch::Tensor& bias,
                           DecodingPrecision precision, ProductKernels kernels)
    : precision_(precision),
      kernels_(kernels),
      inputs_(weight.size(1)),
      outputs_(weight.size(0)),
      bias_(bias.defined() ? bias.detach().contiguous() : torch::Tensor()) {
  const torch::NoGradGuard no_grad;
  const int64_t together = Together(precision);
  padded_inputs_ = (inputs_ + together - 1) / together * together;
  const auto padded = torch::constant_pad_nd(weight.detach(), {0, padded_inputs_ - inputs_});
  torch::Tensor values = padded;
  if (precision == DecodingPrecision::kBf16) values = padded.to(torch::kBFloat16);
  if (precision == DecodingPrecision::kInt8) {
    QuantizedWeight quantized = Quantize(padded);
    values = std::move(quantized.values);
    steps_ = std::move(quantized.steps);
    offsets_ = std::move(quantized.offsets);
  }
  weight_ = kernels == ProductKernels::kOneDnn ? InBlocks(values, together) : values.contiguous();
}

void PackedLinear::Prepare(const float* x, int64_t rows, PackedInput* input) const {
  input->rows = rows;
  input->values = x;
  const auto size = static_cast<size_t>(rows * padded_inputs_);
  if (precision_ == DecodingPrecision::kBf16) {
    input->rounded.resize(std::max(input->rounded.size(), size));
    for (int64_t r = 0; r < rows; ++r) {
      uint16_t* row = input->rounded.data() + r * padded_inputs_;
      RoundRow(x + r * inputs_, inputs_, row);
      std::fill(row + inputs_, row + padded_inputs_, uint16_t{0});
    }
  } else if (precision_ == DecodingPrecision::kInt8) {
    input->quantized.resize(std::max(input->quantized.size(), size));
    input->steps.resize(std::max(input->steps.size(), static_cast<size_t>(rows)));
    for (int64_t r = 0; r < rows; ++r) {
      uint8_t* row = input->quantized.data() + r * padded_inputs_;
      input->steps[static_cast<size_t>(r)] = QuantizeRow(x + r * inputs_, inputs_, row);
      std::fill(row + inputs_, row + padded_inputs_, uint8_t{0});  // Their weights are 0.
    }
  }
}

void PackedLinear::Multiply(PackedInput& input, int64_t begin, int64_t end, float* y,
                            int64_t stride, Then then) const {
  if (kernels_ == ProductKernels::kLibTorch) {
    MultiplyWhole(input, begin, end, y, stride);
    Finish(BiasFrom(begin), then == Then::kRelu, input.rows, end - begin, y, stride);
  } else {
    // oneDNN compiles a kernel for each number of rows, so there are few of them.
    constexpr int64_t kRows = 64;
    constexpr int64_t kMultiple = 8;
    // As many rows as stay in the second-level cache while all columns pass by.
    const int64_t cached_rows = std::max(kRows, (int64_t{1} << 18) / inputs_ / kRows * kRows);
    for (int64_t outer = 0; outer < input.rows; outer += cached_rows) {
      const int64_t outer_end = std::min(outer + cached_rows, input.rows);
      for (int64_t column = begin; column < end; column += kBlock) {
        const int64_t columns = std::min(kBlock, end - column);
        for (int64_t row = outer; row < outer_end;) {
          int64_t rows = std::min(kRows, outer_end - row);
          if (rows > kMultiple) rows = rows / kMultiple * kMultiple;
          MultiplyBlock(input, row, rows, column, columns, y + row * stride + column - begin,
                        stride, then);
          row += rows;
        }
      }
    }
  }
}

void PackedLinear::MultiplyBlock(PackedInput& input, int64_t first_row, int64_t rows,
                                 int64_t first_column, int64_t columns, float* y, int64_t stride,
                                 Then then) const {
  const int64_t block = first_column / kBlock;
  const int64_t from = first_row * padded_inputs_;
  const int64_t weights_before = block * padded_inputs_ * kBlock;
  switch (precision_) {
    case DecodingPrecision::kFp32:
    case DecodingPrecision::kAuto:
      brgemm(rows, columns, inputs_, inputs_, kBlock, stride, /*add_C=*/false, input.values + from,
             weight_.const_data_ptr<float>() + weights_before, y);
      break;
    case DecodingPrecision::kBf16:
      brgemm(rows, columns, padded_inputs_, padded_inputs_, kBlock, stride, /*add_C=*/false,
             reinterpret_cast<const at::BFloat16*>(input.rounded.data()) + from,
             weight_.const_data_ptr<at::BFloat16>() + weights_before, y);
      break;
    case DecodingPrecision::kInt8: {
      input.sums.resize(std::max(input.sums.size(), static_cast<size_t>(rows * kBlock)));
      brgemm(
          rows, columns, padded_inputs_, padded_inputs_, kBlock, kBlock, /*add_C=*/false,
          input.quantized.data() + from,
          reinterpret_cast<const signed char*>(weight_.const_data_ptr<int8_t>()) + weights_before,
          input.sums.data());
      Dequantize({.row_steps = input.steps.data() + first_row,
                  .column_steps = steps_.const_data_ptr<float>() + first_column,
                  .offsets = offsets_.const_data_ptr<int32_t>() + first_column},
                 input.sums.data(), kBlock, rows, columns, y, stride);
      break;
    }
  }
  Finish(BiasFrom(first_column), then == Then::kRelu, rows, columns, y, stride);
}

void PackedLinear::MultiplyWhole(PackedInput& input, int64_t begin, int64_t end, float* y,
                                 int64_t stride) const {
  const torch::NoGradGuard no_grad;
  const int64_t rows = input.rows;
  const auto weight = weight_.narrow(0, begin, end - begin).t();
  auto result = View(y, rows, end - begin, stride, torch::kFloat);
  switch (precision_) {
    case DecodingPrecision::kFp32:
    case DecodingPrecision::kAuto:
      torch::mm_out(result, View(input.values, rows, inputs_, inputs_, torch::kFloat), weight);
      return;
    case DecodingPrecision::kBf16:
      result.copy_(torch::mm(
          View(input.rounded.data(), rows, padded_inputs_, padded_inputs_, torch::kBFloat16),
          weight));
      return;
    case DecodingPrecision::kInt8: {
      const auto quantized =
          View(input.quantized.data(), rows, padded_inputs_, padded_inputs_, torch::kByte);
      // [rows, columns], int32. This product takes signed inputs.
      const auto sums = at::_int_mm((quantized.to(torch::kShort) - kZeroPoint).to(torch::kChar),
                                    weight.contiguous());
      const auto steps = View(input.steps.data(), rows, 1, 1, torch::kFloat);
      result.copy_(sums.to(torch::kFloat) * steps * steps_.narrow(0, begin, end - begin));
      return;
    }
  }
}

}  // namespace wavemt
