#include "training/non_finite.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "model/out_of_memory.h"
#include "training/forward_observer.h"

namespace wavemt {
namespace {

// `order`: the parameters' names in the order in which the forward pass used them.
std::string WhereInGradients(const TransformerImpl& model, const std::vector<std::string>& order) {
  NamedTensors gradients;
  for (const auto& item : model.named_parameters()) {
    if (item.value().grad().defined()) gradients[item.key()] = item.value().grad();
  }
  const auto describe = [](const std::string& name) {
    return fmt::format(
        "the first gradient that is not finite, from the loss backwards, is that of {}", name);
  };
  for (auto name = order.rbegin(); name != order.rend(); ++name) {
    const auto gradient = gradients.find(*name);
    if (gradient != gradients.end() && !IsFinite(gradient->second)) return describe(*name);
  }
  if (const std::string name = FirstNotFinite(gradients); !name.empty()) return describe(name);
  if (gradients.empty()) return "there is no gradient";
  const auto largest =
      std::max_element(gradients.begin(), gradients.end(), [](const auto& a, const auto& b) {
        return LargestMagnitude(a.second) < LargestMagnitude(b.second);
      });
  return fmt::format("each gradient is finite, but not their norm: that of {} reaches {:.1e}",
                     largest->first, LargestMagnitude(largest->second));
}

}  // namespace

std::string FirstNotFinite(const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (!IsFinite(tensor)) return name;
  }
  return "";
}

std::string WhereNotFinite(const TransformerImpl& model, const torch::Tensor& loss,
                           const std::function<void()>& forward) {
  const torch::NoGradGuard no_grad;
  for (const auto& item : model.named_parameters()) {
    if (!IsFinite(item.value())) return fmt::format("the weight {} is not finite", item.key());
  }
  const ForwardObserver observer(model);
  const bool fits = FitsMemory([&] {
    // As in the step: a layer's computation may depend on whether a backward pass will follow.
    const torch::AutoGradMode with_grad(/*enabled=*/true);
    forward();
  });
  if (!observer.first_bad().empty()) {
    return (observer.is_between() ? "values stop being finite between "
                                  : "the first layer with a result that is not finite is ") +
           observer.first_bad();
  }
  if (!fits) return "there is not enough memory to find out where it began";
  if (!IsFinite(loss)) return "the result of each layer is finite, but not the loss";
  return WhereInGradients(model, observer.parameters());
}

}  // namespace wavemt
