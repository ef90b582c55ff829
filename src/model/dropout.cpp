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

Tensor Apply(const DropoutRule& rule, const Tensor& base, const Tensor& values) {
  Tensor output = torch::empty_like(values, at::MemoryFormat::Contiguous);
  const float* base_data = base.defined() ? base.const_data_ptr<float>() : nullptr;
  const auto* data = values.const_data_ptr<float>();
  auto* output_data = output.mutable_data_ptr<float>();
  at::parallel_for(0, values.numel(), kGrainSize, [&](int64_t begin, int64_t end) {
    DropoutAddRange(rule, base_data, data, output_data, begin, end);
  });
  return output;
}

struct DropoutAddFunction : public torch::autograd::Function<DropoutAddFunction> {
  // Without a base, the values stand in its place, unread: inputs of a Function must be defined.
  static Tensor forward(AutogradContext* context, const Tensor& base, const Tensor& values,
                        double p, bool has_base) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    const DropoutRule rule = DropoutRule::Make(p, DrawKey());
    context->saved_data["p"] = p;
    context->saved_data["key"] = static_cast<int64_t>(rule.key);
    context->saved_data["has_base"] = has_base;
    return Apply(rule, has_base ? base.contiguous() : Tensor(), values.contiguous());
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const DropoutRule rule =
        DropoutRule::Make(context->saved_data["p"].toDouble(),
                          static_cast<uint64_t>(context->saved_data["key"].toInt()));
    const Tensor gradient = gradients[0].contiguous();
    return {context->saved_data["has_base"].toBool() ? gradient : Tensor(),
            Apply(rule, {}, gradient), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor DropoutAdd(const Tensor& base, const Tensor& values, double p) {
  const bool is_plain_cpu = values.is_cpu() && values.scalar_type() == torch::kFloat &&
                            (!base.defined() || base.scalar_type() == torch::kFloat);
  if (is_plain_cpu) {
    return DropoutAddFunction::apply(base.defined() ? base : values, values, p, base.defined());
  }
  const Tensor dropped = torch::dropout(values, p, /*train=*/true);
  return base.defined() ? base + dropped : dropped;
}

}  // namespace wavemt
