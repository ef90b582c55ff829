#include "model/cpu_bf16.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "model/bf16_kernel.h"

namespace wavemt {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The weight in bf16, converted once a forward pass; its gradient reaches the weight itself.
Tensor Converted(const Tensor& weight) {
  return at::autocast::cached_cast(torch::kBFloat16, weight, torch::kCPU);
}

// In the functions below, everything is in bf16 already.
struct BelowAutograd {
  at::AutoDispatchBelowADInplaceOrView autograd;
  c10::impl::ExcludeDispatchKeyGuard autocast{c10::DispatchKey::AutocastCPU};
};

Tensor Affine(const Tensor& rows, const Tensor& weight, const Tensor& bias) {
  return at::addmm(bias, rows, weight.t());
}

// [rounded rows, columns] -> as `like`, except for the columns.
Tensor WithoutAdded(const Tensor& rows, c10::IntArrayRef like) {
  std::vector<int64_t> sizes = like.vec();
  sizes.back() = rows.size(1);
  return rows.narrow(0, 0, c10::multiply_integers(like) / like.back()).view(sizes);
}

// The gradient of a linear layer's result, in bf16 and in rounded rows.
struct RowsOfGradient {
  Tensor rows{};        // [rounded rows, columns]
  Tensor transposed{};  // [columns, rounded rows]; undefined: not wanted.
  Tensor sums{};        // Over the rows: [columns].
};

// gradient: [..., columns]. active: [rounded rows, columns], the result of a relu that the gradient
// passes; undefined: there is none. A weight that learns has a product with the transposed rows as
// its gradient: where oneDNN transposes them itself, that takes 1.3 to 1.9 times as long.
RowsOfGradient Prepared(const Tensor& gradient, const Tensor& active, bool weight_learns) {
  constexpr int64_t kChunk = 256;  // Rows that a thread takes at once.
  constexpr int64_t kGap = 32;  // Lines a power of two apart would share a few places in a cache.
  const Tensor from = gradient.reshape({-1, gradient.size(-1)}).contiguous();
  const int64_t rows = from.size(0);
  const int64_t columns = from.size(1);
  const int64_t rounded = RoundedRows(rows);
  const auto options = from.options().dtype(torch::kBFloat16);
  RowsOfGradient result = {.rows = torch::empty({rounded, columns}, options)};
  result.rows.narrow(0, rows, rounded - rows).zero_();
  if (weight_learns) {
    const Tensor with_gap = torch::empty({columns, rounded + kGap}, options);
    // The gap too: where the inner size is no whole tile, oneDNN multiplies what is behind by zero.
    with_gap.narrow(1, rows, rounded + kGap - rows).zero_();
    result.transposed = with_gap.narrow(1, 0, rounded);
  }
  const int64_t chunks = (rows + kChunk - 1) / kChunk;
  const Tensor sums = torch::zeros({chunks, columns}, options.dtype(torch::kFloat));
  const auto bits = [](const Tensor& t) {
    return reinterpret_cast<uint16_t*>(t.data_ptr<at::BFloat16>());
  };
  at::parallel_for(0, chunks, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const int64_t first = chunk * kChunk;
      const int64_t count = std::min(kChunk, rows - first);
      PreparedGradient to = {.rows = bits(result.rows) + first * columns,
                             .sums = sums.data_ptr<float>() + chunk * columns};
      if (weight_learns) {
        to.transposed = bits(result.transposed) + first;
        to.transposed_stride = result.transposed.stride(0);
      }
      const uint16_t* of_relu = active.defined() ? bits(active) + first * columns : nullptr;
      if (from.scalar_type() == torch::kFloat) {
        PrepareGradient(from.const_data_ptr<float>() + first * columns, of_relu, count, columns,
                        to);
      } else {
        PrepareGradient(bits(from) + first * columns, of_relu, count, columns, to);
      }
    }
  });
  result.sums = sums.sum(0).to(torch::kBFloat16);
  return result;
}

struct LinearFunction : public torch::autograd::Function<LinearFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Tensor& bias) {
    const BelowAutograd below;
    const Tensor rows = InRoundedRows(x);
    context->save_for_backward({rows, weight});
    context->saved_data["type"] = static_cast<int64_t>(x.scalar_type());
    return WithoutAdded(Affine(rows, weight, bias), x.sizes());
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& rows = saved[0];
    const Tensor& weight = saved[1];
    const auto type = static_cast<torch::ScalarType>(context->saved_data["type"].toInt());
    const RowsOfGradient gradient =
        Prepared(gradients[0], /*active=*/{}, context->needs_input_grad(1));
    variable_list result(3);
    if (context->needs_input_grad(0)) {
      result[0] = WithoutAdded(at::mm(gradient.rows, weight), gradients[0].sizes()).to(type);
    }
    if (context->needs_input_grad(1)) result[1] = at::mm(gradient.transposed, rows);
    if (context->needs_input_grad(2)) result[2] = gradient.sums;
    return result;
  }
};

struct FeedForwardFunction : public torch::autograd::Function<FeedForwardFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& in_weight,
                        const Tensor& in_bias, const Tensor& out_weight, const Tensor& out_bias) {
    const BelowAutograd below;
    const Tensor rows = InRoundedRows(x);
    const Tensor inner = Affine(rows, in_weight, in_bias).relu_();  // [rounded rows, ffn_dim]
    context->save_for_backward({rows, inner, in_weight, out_weight});
    context->saved_data["type"] = static_cast<int64_t>(x.scalar_type());
    return WithoutAdded(Affine(inner, out_weight, out_bias), x.sizes());
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& rows = saved[0];
    const Tensor& inner = saved[1];
    const auto type = static_cast<torch::ScalarType>(context->saved_data["type"].toInt());
    const RowsOfGradient gradient =
        Prepared(gradients[0], /*active=*/{}, context->needs_input_grad(3));
    const RowsOfGradient of_inner =
        Prepared(at::mm(gradient.rows, saved[3]), inner, context->needs_input_grad(1));
    variable_list result(5);
    if (context->needs_input_grad(0)) {
      result[0] = WithoutAdded(at::mm(of_inner.rows, saved[2]), gradients[0].sizes()).to(type);
    }
    if (context->needs_input_grad(1)) result[1] = at::mm(of_inner.transposed, rows);
    if (context->needs_input_grad(2)) result[2] = of_inner.sums;
    // The rows that were added are zero here, so they add nothing, whatever `inner` has there.
    if (context->needs_input_grad(3)) result[3] = at::mm(gradient.transposed, inner);
    if (context->needs_input_grad(4)) result[4] = gradient.sums;
    return result;
  }
};

}  // namespace

bool UsesCpuBf16(const Tensor& x) {
  return x.is_cpu() && at::autocast::is_autocast_enabled(torch::kCPU) &&
         at::autocast::get_autocast_dtype(torch::kCPU) == torch::kBFloat16;
}

int64_t RoundedRows(int64_t rows) {
  constexpr uint64_t kParts = 8;
  constexpr uint64_t kLeast = 32;  // The inner size of a tile of AMX.
  const auto number = static_cast<uint64_t>(rows);
  const uint64_t multiple = std::max(std::bit_floor(number) / kParts, kLeast);
  return static_cast<int64_t>((number + multiple - 1) / multiple * multiple);
}

Tensor InRoundedRows(const Tensor& x) {
  const Tensor rows = x.reshape({-1, x.size(-1)});
  const int64_t added = RoundedRows(rows.size(0)) - rows.size(0);
  if (added == 0) return rows.to(torch::kBFloat16).contiguous();
  Tensor rounded =
      torch::empty({rows.size(0) + added, rows.size(1)}, rows.options().dtype(torch::kBFloat16));
  rounded.narrow(0, 0, rows.size(0)).copy_(rows);
  rounded.narrow(0, rows.size(0), added).zero_();
  return rounded;
}

Tensor CpuBf16Linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return LinearFunction::apply(x, Converted(weight), Converted(bias));
}

Tensor CpuBf16FeedForward(const Tensor& x, const FeedForwardWeights& weights) {
  return FeedForwardFunction::apply(x, Converted(weights.in_weight), Converted(weights.in_bias),
                                    Converted(weights.out_weight), Converted(weights.out_bias));
}

}  // namespace wavemt
