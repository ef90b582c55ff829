#include "interchange/residual_columns.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace wavemt {
namespace {

// The dimension of a tensor that counts the columns of the residual stream; nothing if none does.
std::optional<int64_t> ResidualDimension(std::string_view name) {
  // Norms, and what is added to the stream.
  constexpr std::array<std::string_view, 4> kWriters = {"norm.weight", "norm.bias",
                                                        "out_proj.weight", "out_proj.bias"};
  // Embeddings, and projections of the stream; their biases belong to what they project to.
  constexpr std::array<std::string_view, 6> kReaders = {"embedding.weight", "output_projection",
                                                        "qkv_proj.weight",  ".q_proj.weight",
                                                        "kv_proj.weight",   "in_proj.weight"};
  const auto ends_name = [name](std::string_view ending) { return name.ends_with(ending); };
  if (std::ranges::any_of(kWriters, ends_name)) return 0;
  if (std::ranges::any_of(kReaders, ends_name)) return 1;
  return std::nullopt;
}

}  // namespace

torch::Tensor OrderOfHalves(int64_t d_model) {
  return torch::cat({torch::arange(0, d_model, 2, torch::kLong),
                     torch::arange(1, std::max<int64_t>(d_model, 1), 2, torch::kLong)});
}

torch::Tensor OrderOfPairs(int64_t d_model) { return torch::argsort(OrderOfHalves(d_model)); }

NamedTensors WithResidualOrder(const NamedTensors& weights, const torch::Tensor& order) {
  NamedTensors reordered;
  for (const auto& [name, tensor] : weights) {
    const auto dimension = ResidualDimension(name);
    reordered[name] = dimension ? tensor.index_select(*dimension, order) : tensor;
  }
  return reordered;
}

}  // namespace wavemt
