#include "model/dropout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>

#include <mutex>

#include "model/dropout_kernel.h"

namespace wavemt {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kGrainSize = 1 << 15;

uint64_t DrawKey() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::scoped_lock lock(generator.mutex());
  return at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
}

// Calls `use` with a pointer to the tensor's values: float*, or uint16_t* (the bits) for bfloat16.
template <typename Use>
void WithValues(const Tensor& tensor, const Use& use) {
  if (tensor.scalar_type() == torch::kFloat) {
    use(tensor.data_ptr<float>());
  } else {
    use(reinterpret_cast<uint16_t*>(tensor.data_ptr<at::BFloat16>()));
  }
}

// base + dropout(values), of type `type`.
Tensor ApplyDropout(const DropoutRule& rule, const Tensor& base, const Tensor& values,
                    torch::ScalarType type) {
  Tensor output =
      torch::empty_like(values, values.options().dtype(type), at::MemoryFormat::Contiguous);
  const float* base_data = base.defined() ? base.const_data_ptr<float>() : nullptr;
  WithValues(values, [&](const auto* data) {
    WithValues(output, [&](auto* output_data) {
      at::parallel_for(0, values.numel(), kGrainSize, [&](int64_t begin, int64_t end) {
        DropoutAddRange(rule, base_data, data, output_data, begin, end);
      });
    });
  });
  return output;
}

struct DropoutAddFunction : public torch::autograd::Function<DropoutAddFunction> {
  // Inputs of a Function must be defined, so without a base the caller passes `values` for it.
  static Tensor forward(AutogradContext* context, const Tensor& base, const Tensor& values,
                        double p, bool has_base) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    const DropoutRule rule = DropoutRule::Make(p, DrawKey());
    context->saved_data["p"] = p;
    context->saved_data["key"] = static_cast<int64_t>(rule.key);
    context->saved_data["has_base"] = has_base;
    context->saved_data["type"] = static_cast<int64_t>(values.scalar_type());
    return ApplyDropout(rule, has_base ? base.contiguous() : Tensor(), values.contiguous(),
                        has_base ? torch::kFloat : values.scalar_type());
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const DropoutRule rule =
        DropoutRule::Make(context->saved_data["p"].toDouble(),
                          static_cast<uint64_t>(context->saved_data["key"].toInt()));
    const auto type = static_cast<torch::ScalarType>(context->saved_data["type"].toInt());
    const Tensor gradient = gradients[0].contiguous();
    return {context->saved_data["has_base"].toBool() ? gradient : Tensor(),
            ApplyDropout(rule, {}, gradient, type), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor DropoutAdd(const Tensor& base, const Tensor& values, double p) {
  const auto type = values.scalar_type();
  const bool is_plain_cpu = values.is_cpu() &&
                            (type == torch::kFloat || type == torch::kBFloat16) &&
                            (!base.defined() || base.scalar_type() == torch::kFloat);
  if (is_plain_cpu) {
    return DropoutAddFunction::apply(base.defined() ? base : values, values, p, base.defined());
  }
  const Tensor dropped = torch::dropout(values, p, /*train=*/true);
  return base.defined() ? base + dropped : dropped;
}

}  // namespace wavemt
