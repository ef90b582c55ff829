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

constexpr int64_t kGrainSize = 1 << 15;  // Products of numbers that are worth a thread.

// Columns of [batch, length, columns], as [batch, length, num_heads, head_dim].
Tensor HeadsOf(const Tensor& projection, int64_t block, int64_t num_heads, int64_t head_dim) {
  return projection.narrow(2, block * num_heads * head_dim, num_heads * head_dim)
      .view({projection.size(0), projection.size(1), num_heads, head_dim});
}

// Room for the rows of a head in fp32, for one head at a time.
class Room {
 public:
  explicit Room(int64_t size) : numbers_(static_cast<size_t>(size)) {}
  void Clear() { taken_ = 0; }
  float* Take(int64_t size) {
    float* begin = numbers_.data() + taken_;
    taken_ += size;
    return begin;
  }

 private:
  std::vector<float> numbers_;
  int64_t taken_ = 0;
};

// The rows of a head in one sentence of x, [batch, length, num_heads, head_dim]: where they are, or
// from bf16 as copies in fp32.
HeadAttention::Rows RowsOf(const Tensor& x, int64_t sentence, int64_t head, Room* room) {
  const int64_t offset = sentence * x.stride(0) + head * x.stride(2);
  if (x.scalar_type() == torch::kFloat) {
    return {.data = x.const_data_ptr<float>() + offset, .stride = x.stride(1)};
  }
  const auto* bits = reinterpret_cast<const uint16_t*>(x.const_data_ptr<at::BFloat16>()) + offset;
  float* rows = room->Take(x.size(1) * x.size(3));
  WidenRows(bits, x.stride(1), x.size(1), x.size(3), rows);
  return {.data = rows, .stride = x.size(3)};
}

// The same to be written; Finish() puts the numbers into the tensor.
class RowsToWrite {
 public:
  RowsToWrite(const Tensor& x, int64_t sentence, int64_t head, Room* room)
      : x_(x), offset_(sentence * x.stride(0) + head * x.stride(2)) {
    if (x.scalar_type() == torch::kFloat) {
      rows_ = {.data = x.data_ptr<float>() + offset_, .stride = x.stride(1)};
    } else {
      rows_ = {.data = room->Take(x.size(1) * x.size(3)), .stride = x.size(3)};
    }
  }

  const HeadAttention::MutableRows& rows() const { return rows_; }

  void Finish() const {
    if (x_.scalar_type() == torch::kFloat) return;
    auto* bits = reinterpret_cast<uint16_t*>(x_.data_ptr<at::BFloat16>()) + offset_;
    RoundRows(rows_.data, x_.size(1), x_.size(3), bits, x_.stride(1));
  }

 private:
  const Tensor& x_;
  int64_t offset_;
  HeadAttention::MutableRows rows_;
};

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
  // [batch, length, num_heads, head_dim]
  Tensor query;
  Tensor key;
  Tensor value;
  Tensor mask;  // Contiguous, or undefined.
  bool causal = false;
  std::optional<Vectors> key_vectors{};
  std::optional<Vectors> value_vectors{};

  int64_t num_heads() const { return query.size(2); }
  int64_t heads_of_all() const { return query.size(0) * num_heads(); }

  // Without its rows.
  HeadAttention Sizes() const {
    return {
        .num_queries = query.size(1),
        .num_keys = key.size(1),
        .head_dim = query.size(3),
        .causal = causal,
        .key_vectors = key_vectors ? key_vectors->ByDistance() : HeadAttention::ByDistance(),
        .value_vectors = value_vectors ? value_vectors->ByDistance() : HeadAttention::ByDistance()};
  }

  HeadAttention Head(int64_t sentence, int64_t head, Room* room) const {
    HeadAttention attention = Sizes();
    attention.query = RowsOf(query, sentence, head, room);
    attention.key = RowsOf(key, sentence, head, room);
    attention.value = RowsOf(value, sentence, head, room);
    if (mask.defined()) attention.visible = mask.const_data_ptr<bool>() + sentence * mask.stride(0);
    return attention;
  }
};

struct HeadPlace {
  int64_t sentence = 0;
  int64_t head = 0;
  int64_t number = 0;  // Among all heads of all sentences.
};

// Calls use(place, scratch memory, room for rows) for all heads, on all threads.
template <typename Use>
void ForEachHead(const Inputs& inputs, const Use& use) {
  const int64_t num_heads = inputs.num_heads();
  const HeadAttention sizes = inputs.Sizes();
  const int64_t products = sizes.num_queries * sizes.num_keys * sizes.head_dim;
  const int64_t grain = std::max<int64_t>(kGrainSize / products, 1);
  // Query, key, value and the result; with the gradients of all, twice that.
  const bool is_narrow = inputs.query.scalar_type() != torch::kFloat;
  const int64_t rows = is_narrow ? 4 * (sizes.num_queries + sizes.num_keys) : 0;
  at::parallel_for(0, inputs.heads_of_all(), grain, [&](int64_t begin, int64_t end) {
    std::vector<float> scratch(static_cast<size_t>(AttentionScratchSize(sizes)));
    Room room(rows * sizes.head_dim);
    for (int64_t i = begin; i < end; ++i) {
      room.Clear();
      use(HeadPlace{.sentence = i / num_heads, .head = i % num_heads, .number = i}, scratch.data(),
          &room);
    }
  });
}

std::optional<Vectors> VectorsOf(const Tensor& of_distances) {
  return of_distances.defined() ? std::optional<Vectors>(of_distances) : std::nullopt;
}

// Where the heads are in the function's inputs, of which some may be the same tensor.
struct Places {
  int64_t num_heads = 0;
  int64_t head_dim = 0;
  int64_t query_block = 0;
  int64_t key_block = 0;
  int64_t value_block = 0;

  Tensor Query(const Tensor& x) const { return HeadsOf(x, query_block, num_heads, head_dim); }
  Tensor Key(const Tensor& x) const { return HeadsOf(x, key_block, num_heads, head_dim); }
  Tensor Value(const Tensor& x) const { return HeadsOf(x, value_block, num_heads, head_dim); }
};

struct ShortAttentionFunction : public torch::autograd::Function<ShortAttentionFunction> {
  // Autograd takes a tensor that may be undefined only as an optional one.
  static Tensor forward(AutogradContext* context, const Tensor& query, const Tensor& key,
                        const Tensor& value, const Places& places,
                        const std::optional<Tensor>& mask, bool causal,
                        const std::optional<Tensor>& key_vectors,
                        const std::optional<Tensor>& value_vectors) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    const Inputs inputs = {.query = places.Query(query),
                           .key = places.Key(key),
                           .value = places.Value(value),
                           .mask = mask ? mask->contiguous() : Tensor(),
                           .causal = causal,
                           .key_vectors = VectorsOf(key_vectors.value_or(Tensor())),
                           .value_vectors = VectorsOf(value_vectors.value_or(Tensor()))};
    const int64_t queries = query.size(1);
    const int64_t weights_per_head = queries * RoundedUpToLanes(key.size(1));
    const Tensor weights = torch::empty({inputs.heads_of_all(), weights_per_head},
                                        query.options().dtype(torch::kFloat));
    const Tensor output =
        torch::empty({query.size(0), queries, places.num_heads * places.head_dim}, query.options());
    const Tensor output_heads = HeadsOf(output, 0, places.num_heads, places.head_dim);
    auto* all_weights = weights.data_ptr<float>();
    ForEachHead(inputs, [&](const HeadPlace& place, float* scratch, Room* room) {
      const HeadAttention attention = inputs.Head(place.sentence, place.head, room);
      const RowsToWrite result(output_heads, place.sentence, place.head, room);
      AttendHead(attention, scratch, all_weights + place.number * weights_per_head, result.rows());
      result.Finish();
    });
    context->save_for_backward({query, key, value, weights, key_vectors.value_or(Tensor()),
                                value_vectors.value_or(Tensor())});
    auto& saved = context->saved_data;
    saved["causal"] = causal;
    saved["key_is_query"] = key.is_same(query);
    saved["value_is_key"] = value.is_same(key);
    saved["places"] = std::vector<int64_t>{places.num_heads, places.head_dim, places.query_block,
                                           places.key_block, places.value_block};
    return output;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    auto& data = context->saved_data;
    const auto numbers = data["places"].toIntVector();
    const Places places = {.num_heads = numbers[0],
                           .head_dim = numbers[1],
                           .query_block = numbers[2],
                           .key_block = numbers[3],
                           .value_block = numbers[4]};
    const Inputs inputs = {.query = places.Query(saved[0]),
                           .key = places.Key(saved[1]),
                           .value = places.Value(saved[2]),
                           .mask = {},  // Its keys have weights of 0, and so gradients of 0.
                           .causal = data["causal"].toBool(),
                           .key_vectors = VectorsOf(saved[4]),
                           .value_vectors = VectorsOf(saved[5])};
    const Tensor output_gradient =
        HeadsOf(gradients[0].contiguous(), 0, places.num_heads, places.head_dim);
    const Tensor& weights = saved[3];
    // Heads that share an input share its gradient, which has no other columns.
    const auto empty_like = [](const Tensor& x) { return torch::empty(x.sizes(), x.options()); };
    const bool key_is_query = data["key_is_query"].toBool();
    const bool value_is_key = data["value_is_key"].toBool();
    const Tensor query = empty_like(saved[0]);
    const Tensor key = key_is_query ? query : empty_like(saved[1]);
    const Tensor value = value_is_key ? key : empty_like(saved[2]);
    const Tensor query_heads = places.Query(query);
    const Tensor key_heads = places.Key(key);
    const Tensor value_heads = places.Value(value);
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
    ForEachHead(inputs, [&](const HeadPlace& place, float* scratch, Room* room) {
      const auto [sentence, head, number] = place;
      const HeadAttention attention = inputs.Head(sentence, head, room);
      const RowsToWrite of_query(query_heads, sentence, head, room);
      const RowsToWrite of_key(key_heads, sentence, head, room);
      const RowsToWrite of_value(value_heads, sentence, head, room);
      AttendHeadBackward(attention, scratch, all_weights + number * weights.size(1),
                         RowsOf(output_gradient, sentence, head, room),
                         {.query = of_query.rows(),
                          .key = of_key.rows(),
                          .value = of_value.rows(),
                          .key_vectors = of_thread(key_vectors),
                          .value_vectors = of_thread(value_vectors)});
      for (const RowsToWrite* rows : {&of_query, &of_key, &of_value}) rows->Finish();
    });
    const auto sum = [](const Tensor& sums) { return sums.defined() ? sums.sum(0) : Tensor(); };
    return {query,
            key_is_query ? Tensor() : key,
            value_is_key ? Tensor() : value,
            Tensor(),
            Tensor(),
            Tensor(),
            sum(key_vectors),
            sum(value_vectors)};
  }
};

// All blocks of a projection are attended with, so that its gradient is whole; rows can lie
// anywhere, but each must be whole.
bool HasWholeRows(const ShortAttention& a) {
  const auto is_whole = [&](const HeadColumns& columns, int64_t blocks) {
    return columns.projection.size(2) == blocks * a.num_heads * a.head_dim &&
           columns.projection.stride(2) == 1;
  };
  const bool key_is_query = a.key.projection.is_same(a.query.projection);
  const bool value_is_key = a.value.projection.is_same(a.key.projection);
  if (key_is_query && value_is_key) return is_whole(a.query, 3);
  return !key_is_query && is_whole(a.query, 1) && is_whole(a.key, value_is_key ? 2 : 1) &&
         is_whole(a.value, value_is_key ? 2 : 1);
}

}  // namespace

bool CanAttendShort(const ShortAttention& attention) {
  const Tensor& query = attention.query.projection;
  const Tensor& mask = attention.mask;
  const Tensor& vectors = attention.key_vectors;
  const int64_t keys = attention.key.projection.size(1);
  const auto type = query.scalar_type();
  const bool has_type = (type == torch::kFloat || type == torch::kBFloat16) &&
                        attention.key.projection.scalar_type() == type &&
                        attention.value.projection.scalar_type() == type;
  const bool has_mask_of_keys =
      !mask.defined() ||
      (mask.scalar_type() == torch::kBool && mask.dim() == 4 && mask.size(0) == query.size(0) &&
       mask.size(1) == 1 && mask.size(2) == 1 && mask.size(3) == keys);
  return query.is_cpu() && has_type && query.numel() > 0 && keys <= kMaxShortKeys &&
         attention.head_dim % kAttentionLanes == 0 && HasWholeRows(attention) && has_mask_of_keys &&
         // A prefix stands at no distance.
         (!vectors.defined() ||
          (vectors.scalar_type() == torch::kFloat && vectors.size(0) == query.size(1) + keys - 1));
}

Tensor AttendShort(const ShortAttention& attention) {
  const auto optional = [](const Tensor& t) {
    return t.defined() ? std::optional(t) : std::nullopt;
  };
  const Places places = {.num_heads = attention.num_heads,
                         .head_dim = attention.head_dim,
                         .query_block = attention.query.block,
                         .key_block = attention.key.block,
                         .value_block = attention.value.block};
  return ShortAttentionFunction::apply(attention.query.projection, attention.key.projection,
                                       attention.value.projection, places, optional(attention.mask),
                                       attention.causal, optional(attention.key_vectors),
                                       optional(attention.value_vectors));
}

}  // namespace wavemt
