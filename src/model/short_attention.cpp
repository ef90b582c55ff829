#include "model/short_attention.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "model/attention_kernel.h"

namespace wavemt {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The weights are kept for the gradients, in memory that grows with the square of the length.
constexpr int64_t kMaxKeys = 128;
constexpr int64_t kGrainSize = 1 << 15;  // Products of numbers that are worth a thread.

// x: [batch, num_heads, length, head_dim].
HeadAttention::Rows RowsOf(const Tensor& x, int64_t sentence, int64_t head) {
  return {.data = x.const_data_ptr<float>() + sentence * x.stride(0) + head * x.stride(1),
          .stride = x.stride(2)};
}

HeadAttention::MutableRows MutableRowsOf(const Tensor& x, int64_t sentence, int64_t head) {
  return {.data = x.data_ptr<float>() + sentence * x.stride(0) + head * x.stride(1),
          .stride = x.stride(2)};
}

// [batch, num_heads, length, head_dim], in memory as the projections are: [batch, length,
// num_heads, head_dim].
Tensor EmptyHeads(const Tensor& like) {
  return torch::empty({like.size(0), like.size(2), like.size(1), like.size(3)}, like.options())
      .transpose(1, 2);
}

// Vectors by distance, and as the kernel multiplies with them.
struct Vectors {
  explicit Vectors(const Tensor& of_distances)
      : data(of_distances.contiguous()),
        transposed(
            torch::constant_pad_nd(data.t(), {0, RoundedUpToLanes(data.size(0)) - data.size(0)})) {}

  HeadAttention::ByDistance ByDistance() const {
    return {.data = data.const_data_ptr<float>(), .transposed = transposed.const_data_ptr<float>()};
  }

  Tensor data;        // [distances, head_dim]
  Tensor transposed;  // [head_dim, distances, rounded up]
};

struct Inputs {
  Tensor query;
  Tensor key;
  Tensor value;
  Tensor mask;  // Contiguous, or undefined.
  bool causal = false;
  std::optional<Vectors> key_vectors{};
  std::optional<Vectors> value_vectors{};

  HeadAttention Head(int64_t sentence, int64_t head) const {
    return {
        .num_queries = query.size(2),
        .num_keys = key.size(2),
        .head_dim = query.size(3),
        .query = RowsOf(query, sentence, head),
        .key = RowsOf(key, sentence, head),
        .value = RowsOf(value, sentence, head),
        .visible =
            mask.defined() ? mask.const_data_ptr<bool>() + sentence * mask.stride(0) : nullptr,
        .causal = causal,
        .key_vectors = key_vectors ? key_vectors->ByDistance() : HeadAttention::ByDistance(),
        .value_vectors = value_vectors ? value_vectors->ByDistance() : HeadAttention::ByDistance()};
  }
};

// Calls use(head of a sentence, its sentence, its head, its number, scratch memory) for all heads,
// on all threads.
template <typename Use>
void ForEachHead(const Inputs& inputs, const Use& use) {
  const int64_t num_heads = inputs.query.size(1);
  const HeadAttention first = inputs.Head(0, 0);
  const int64_t products = first.num_queries * first.num_keys * first.head_dim;
  const int64_t grain = std::max<int64_t>(kGrainSize / products, 1);
  at::parallel_for(0, inputs.query.size(0) * num_heads, grain, [&](int64_t begin, int64_t end) {
    std::vector<float> scratch(static_cast<size_t>(AttentionScratchSize(first)));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t sentence = i / num_heads;
      const int64_t head = i % num_heads;
      use(inputs.Head(sentence, head), sentence, head, i, scratch.data());
    }
  });
}

std::optional<Vectors> VectorsOf(const Tensor& of_distances) {
  return of_distances.defined() ? std::optional<Vectors>(of_distances) : std::nullopt;
}

struct ShortAttentionFunction : public torch::autograd::Function<ShortAttentionFunction> {
  // Autograd takes a tensor that may be undefined only as an optional one. Returns [batch, queries,
  // num_heads, head_dim].
  static Tensor forward(AutogradContext* context, const Tensor& query, const Tensor& key,
                        const Tensor& value, const std::optional<Tensor>& mask, bool causal,
                        const std::optional<Tensor>& key_vectors,
                        const std::optional<Tensor>& value_vectors) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    const Inputs inputs = {.query = query,
                           .key = key,
                           .value = value,
                           .mask = mask ? mask->contiguous() : Tensor(),
                           .causal = causal,
                           .key_vectors = VectorsOf(key_vectors.value_or(Tensor())),
                           .value_vectors = VectorsOf(value_vectors.value_or(Tensor()))};
    const int64_t heads = query.size(0) * query.size(1);
    const int64_t weights_per_head = query.size(2) * RoundedUpToLanes(key.size(2));
    const Tensor weights = torch::empty({heads, weights_per_head}, query.options());
    const Tensor output =
        torch::empty({query.size(0), query.size(2), query.size(1), query.size(3)}, query.options());
    const Tensor output_heads = output.transpose(1, 2);
    auto* all_weights = weights.data_ptr<float>();
    ForEachHead(inputs, [&](const HeadAttention& attention, int64_t sentence, int64_t head,
                            int64_t number, float* scratch) {
      AttendHead(attention, scratch, all_weights + number * weights_per_head,
                 MutableRowsOf(output_heads, sentence, head));
    });
    context->save_for_backward({query, key, value, weights, key_vectors.value_or(Tensor()),
                                value_vectors.value_or(Tensor())});
    context->saved_data["causal"] = causal;
    return output;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Inputs inputs = {.query = saved[0],
                           .key = saved[1],
                           .value = saved[2],
                           .mask = {},  // Its keys have weights of 0, and so gradients of 0.
                           .causal = context->saved_data["causal"].toBool(),
                           .key_vectors = VectorsOf(saved[4]),
                           .value_vectors = VectorsOf(saved[5])};
    const Tensor output_gradient = gradients[0].contiguous().transpose(1, 2);
    const Tensor& weights = saved[3];
    const Tensor query = EmptyHeads(inputs.query);
    const Tensor key = EmptyHeads(inputs.key);
    const Tensor value = EmptyHeads(inputs.value);
    // All heads add to those of the vectors, each thread to its own: [threads, distances,
    // head_dim].
    Tensor key_vectors;
    Tensor value_vectors;
    if (inputs.key_vectors) {
      const Tensor& vectors = inputs.key_vectors->data;
      key_vectors = torch::zeros({at::get_num_threads(), vectors.size(0), vectors.size(1)},
                                 vectors.options());
      value_vectors = torch::zeros_like(key_vectors);
    }
    const auto of_thread = [](const Tensor& sums) {
      return sums.defined() ? sums.data_ptr<float>() + at::get_thread_num() * sums.stride(0)
                            : nullptr;
    };
    const auto* all_weights = weights.const_data_ptr<float>();
    ForEachHead(inputs, [&](const HeadAttention& attention, int64_t sentence, int64_t head,
                            int64_t number, float* scratch) {
      AttendHeadBackward(attention, scratch, all_weights + number * weights.size(1),
                         RowsOf(output_gradient, sentence, head),
                         {.query = MutableRowsOf(query, sentence, head),
                          .key = MutableRowsOf(key, sentence, head),
                          .value = MutableRowsOf(value, sentence, head),
                          .key_vectors = of_thread(key_vectors),
                          .value_vectors = of_thread(value_vectors)});
    });
    const auto sum = [](const Tensor& sums) { return sums.defined() ? sums.sum(0) : Tensor(); };
    return {query, key, value, Tensor(), Tensor(), sum(key_vectors), sum(value_vectors)};
  }
};

// The rows of the heads can lie anywhere, but each must be whole.
Tensor WithWholeRows(const Tensor& x) { return x.stride(3) == 1 ? x : x.contiguous(); }

bool IsForAllQueries(const Tensor& mask, const Tensor& key) {
  return mask.scalar_type() == torch::kBool && mask.dim() == 4 && mask.size(0) == key.size(0) &&
         mask.size(1) == 1 && mask.size(2) == 1 && mask.size(3) == key.size(2);
}

}  // namespace

bool CanAttendShort(const Tensor& query, const ShortAttention& attention) {
  const Tensor& key = attention.key;
  const Tensor& vectors = attention.key_vectors;
  return query.is_cpu() && query.scalar_type() == torch::kFloat && query.numel() > 0 &&
         key.size(2) <= kMaxKeys && query.size(3) % kAttentionLanes == 0 &&
         (!attention.mask.defined() || IsForAllQueries(attention.mask, key)) &&
         // A prefix stands at no distance.
         (!vectors.defined() || (vectors.scalar_type() == torch::kFloat &&
                                 vectors.size(0) == query.size(2) + key.size(2) - 1));
}

Tensor AttendShort(const Tensor& query, const ShortAttention& attention) {
  const auto optional = [](const Tensor& t) {
    return t.defined() ? std::optional(t) : std::nullopt;
  };
  return ShortAttentionFunction::apply(WithWholeRows(query), WithWholeRows(attention.key),
                                       WithWholeRows(attention.value), optional(attention.mask),
                                       attention.causal, optional(attention.key_vectors),
                                       optional(attention.value_vectors))
      .transpose(1, 2);
}

}  // namespace wavemt
