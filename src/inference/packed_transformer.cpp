#include "inference/packed_transformer.h"

#include <algorithm>
#include <utility>

#include "inference/kernels.h"
#include "model/feed_forward.h"

namespace wavemt {
namespace {

torch::Tensor PrefixSlots(AttentionPrefix& prefix) {
  // A copy: the weights may change.
  return prefix.is_empty() ? torch::Tensor() : prefix->Slots().clone();
}

torch::Tensor Contiguous(const torch::Tensor& tensor) {
  return tensor.defined() ? tensor.contiguous() : torch::Tensor();
}

float* Room(std::vector<float>* memory, int64_t count) {
  memory->resize(std::max(memory->size(), static_cast<size_t>(count)));
  return memory->data();
}

// What positions do in the self-attention of a pass, as plain arrays.
struct PositionArrays {
  explicit PositionArrays(const AttentionPositions& positions)
      : rotation(positions.rotation.defined() ? torch::view_as_real(positions.rotation).contiguous()
                                              : torch::Tensor()),
        score_bias(Contiguous(positions.score_bias)),
        key_vectors(Contiguous(positions.key_vectors)),
        value_vectors(Contiguous(positions.value_vectors)) {}

  // For the query of a span that is `query` positions after its first one. `queries` and `keys` are
  // those of the whole span.
  void Apply(int64_t layer, int64_t query, int64_t queries, QueryAttention* attention) const {
    if (score_bias.defined()) {
      const int64_t keys = score_bias.size(3);
      attention->bias = score_bias.const_data_ptr<float>() + query * keys;
      attention->bias_stride = queries * keys;
    }
    if (key_vectors.defined()) {
      // They begin with the distance from the last query to the first key.
      const int64_t row = layer * key_vectors.size(1) + queries - 1 - query;
      attention->key_vectors = key_vectors.const_data_ptr<float>() + row * attention->head_dim;
      attention->value_vectors = value_vectors.const_data_ptr<float>() + row * attention->head_dim;
    }
  }

  torch::Tensor rotation;       // [queries, head_dim / 2, 2]
  torch::Tensor score_bias;     // [1, num_heads, queries, keys]
  torch::Tensor key_vectors;    // [layers, queries + keys - 1, head_dim]
  torch::Tensor value_vectors;  // The same.
};

}  // namespace

class PackedTransformer::Packer {
 public:
  explicit Packer(const Options& options) : options_(options) {}

  PackedLinear Pack(Projection& projection) const {
    PackedLinear packed(projection->WeightWithLora(), projection->bias, options_.precision,
                        options_.kernels);
    if (options_.consumes_model) projection->weight.set_data(torch::empty({0}));
    return packed;
  }
  PackedLinear Pack(const OutputLayer& output) const {
    return {output.weight, output.bias, options_.precision, options_.kernels};
  }
  Norm Pack(const torch::nn::LayerNorm& norm) const {
    if (norm.is_empty()) return {};
    return {.weight = norm->weight.detach().clone(),
            .bias = norm->bias.detach().clone(),
            .epsilon = static_cast<float>(norm->options.eps())};
  }
  FeedForwardLayers Pack(FeedForward& layer, const torch::nn::LayerNorm& norm) const {
    return {.in = Pack(layer->in_proj), .out = Pack(layer->out_proj), .norm = Pack(norm)};
  }
  Attention Pack(SelfAttention& layer, const torch::nn::LayerNorm& norm) const {
    return {.in = Pack(layer->qkv_proj),
            .out = Pack(layer->out_proj),
            .norm = Pack(norm),
            .prefix = PrefixSlots(layer->prefix)};
  }
  Attention Pack(CrossAttention& layer, const torch::nn::LayerNorm& norm) const {
    return {.in = Pack(layer->q_proj),
            .out = Pack(layer->out_proj),
            .norm = Pack(norm),
            .prefix = PrefixSlots(layer->prefix)};
  }

 private:
  Options options_;
};

bool PackedTransformer::CanPack(const Transformer& model) {
  const torch::Tensor& weight = model->OutputWeight();
  return weight.is_cpu() && weight.scalar_type() == torch::kFloat;
}

PackedTransformer::PackedTransformer(const Transformer& model, const Options& options)
    : model_(model), options_(options) {
  const torch::NoGradGuard no_grad;
  const Packer packer(options);
  for (const auto& module : *model_->encoder->layers) {
    auto* layer = module->as<EncoderLayer>();
    encoder_.push_back(
        {.attention = packer.Pack(layer->self_attention, layer->self_attention_norm),
         .feed_forward = packer.Pack(layer->feed_forward, layer->feed_forward_norm)});
  }
  for (const auto& module : *model_->decoder->layers) {
    auto* layer = module->as<DecoderLayer>();
    decoder_.push_back(
        {.attention = packer.Pack(layer->self_attention, layer->self_attention_norm),
         .source_key_value = packer.Pack(layer->cross_attention->kv_proj),
         .cross_attention = packer.Pack(layer->cross_attention, layer->cross_attention_norm),
         .feed_forward = packer.Pack(layer->feed_forward, layer->feed_forward_norm)});
  }
  encoder_norm_ = packer.Pack(model_->encoder->norm);
  decoder_norm_ = packer.Pack(model_->decoder->norm);
  output_ = packer.Pack(model_->Output());
}

PackedLinear PackedTransformer::OutputOf(std::span<const int32_t> tokens) const {
  const torch::NoGradGuard no_grad;
  const auto ids = torch::tensor(c10::ArrayRef<int32_t>(tokens.data(), tokens.size()), torch::kInt);
  const OutputLayer all = model_->Output();
  const torch::Tensor bias = all.bias.defined() ? all.bias.index_select(0, ids) : torch::Tensor();
  return {all.weight.index_select(0, ids), bias, options_.precision, options_.kernels};
}

class PackedTransformer::Rows {
 public:
  Rows(const ModelConfig& config, torch::Tensor embedded, InferenceMemory* memory)
      : config_(config),
        d_model_(config.d_model),
        head_dim_(config.d_model / config.num_heads),
        count_(embedded.size(0)),
        memory_(*memory) {
    memory_.hidden = std::move(embedded);
    x_ = memory_.hidden.data_ptr<float>();
    Room(&memory_.normed, count_ * d_model_);
    Room(&memory_.projected, count_ * 3 * d_model_);
    Room(&memory_.context, count_ * d_model_);
    Room(&memory_.added, count_ * d_model_);
  }

  // keys_of(row): lists the keys of a row, the prefix among them, in memory.keys.
  template <typename KeysOf, typename Position>
  void SelfAttend(const Attention& layer, const PositionArrays& positions, int64_t queries,
                  int64_t layer_index, const Position& position_of, const KeysOf& keys_of,
                  float* new_slots) {
    Around(layer.norm, [&](const float* input) {
      float* projected = memory_.projected.data();
      layer.in.Apply(input, count_, &memory_.input, projected);
      for (int64_t row = 0; row < count_; ++row) {
        float* qkv = projected + row * 3 * d_model_;
        if (positions.rotation.defined()) {
          const float* rotation =
              positions.rotation.const_data_ptr<float>() + position_of(row) * head_dim_;
          TurnHeads(rotation, 2 * config_.num_heads, head_dim_, qkv);
        }
        if (new_slots != nullptr) {
          std::copy_n(qkv + d_model_, 2 * d_model_, new_slots + row * 2 * d_model_);
        }
      }
      for (int64_t row = 0; row < count_; ++row) {
        keys_of(row);
        QueryAttention attention{.num_heads = config_.num_heads,
                                 .head_dim = head_dim_,
                                 .query = projected + row * 3 * d_model_,
                                 .keys = memory_.keys,
                                 .prefix = layer.prefix.defined() ? layer.prefix.size(0) : 0};
        positions.Apply(layer_index, position_of(row), queries, &attention);
        AttendRow(attention, row);
      }
      layer.out.Apply(memory_.context.data(), count_, &memory_.input, memory_.added.data());
    });
  }

  // weights: room for the attention to each source token, a row for each of these rows; undefined:
  // not asked for.
  template <typename KeysOf>
  void CrossAttend(const Attention& layer, const KeysOf& keys_of, const torch::Tensor& weights) {
    Around(layer.norm, [&](const float* input) {
      float* queries = memory_.projected.data();
      layer.in.Apply(input, count_, &memory_.input, queries);
      for (int64_t row = 0; row < count_; ++row) {
        keys_of(row);
        const QueryAttention attention{.num_heads = config_.num_heads,
                                       .head_dim = head_dim_,
                                       .query = queries + row * d_model_,
                                       .keys = memory_.keys,
                                       .prefix = layer.prefix.defined() ? layer.prefix.size(0) : 0};
        AttendRow(attention, row);
        if (weights.defined()) {
          AddWeights(attention, memory_.scores.data(),
                     weights.data_ptr<float>() + row * weights.size(1));
        }
      }
      layer.out.Apply(memory_.context.data(), count_, &memory_.input, memory_.added.data());
    });
  }

  void FeedForward(const FeedForwardLayers& layer) {
    Around(layer.norm, [&](const float* input) {
      float* inner = Room(&memory_.inner, count_ * layer.in.outputs());
      const bool is_relu = config_.activation == Activation::kRelu;
      layer.in.Apply(input, count_, &memory_.input, inner,
                     is_relu ? PackedLinear::Then::kRelu : PackedLinear::Then::kNothing);
      torch::Tensor activated;
      if (!is_relu) {
        activated =
            Activate(torch::from_blob(inner, {count_, layer.in.outputs()}), config_.activation);
        inner = activated.data_ptr<float>();
      }
      layer.out.Apply(inner, count_, &memory_.input, memory_.added.data());
    });
  }

  void Normalize(const Norm& norm) { NormalizeRows(Weights(norm), x_, count_, d_model_, x_); }

 private:
  static NormWeights Weights(const Norm& norm) {
    return {.weight = norm.weight.const_data_ptr<float>(),
            .bias = norm.bias.const_data_ptr<float>(),
            .epsilon = norm.epsilon};
  }

  // The residual connection (see Residual); the sub-layer writes to memory.added.
  template <typename Sublayer>
  void Around(const Norm& norm, const Sublayer& sublayer) {
    const bool is_pre = config_.layer_norm == LayerNormPlacement::kPre;
    if (is_pre) NormalizeRows(Weights(norm), x_, count_, d_model_, memory_.normed.data());
    sublayer(is_pre ? memory_.normed.data() : x_);
    Accumulate(x_, memory_.added.data(), count_ * d_model_);
    if (!is_pre) Normalize(norm);
  }

  void AttendRow(const QueryAttention& attention, int64_t row) {
    float* scores =
        Room(&memory_.scores, static_cast<int64_t>(attention.keys.size()) + kScoresTogether);
    Attend(attention, scores, memory_.context.data() + row * d_model_);
  }

  const ModelConfig& config_;
  int64_t d_model_;
  int64_t head_dim_;
  int64_t count_;
  InferenceMemory& memory_;
  float* x_;  // [count, d_model]
};

KeyValueCache PackedTransformer::Encode(const torch::Tensor& source,
                                        std::span<const int64_t> lengths,
                                        InferenceMemory* memory) const {
  const ModelConfig& config = this->config();
  Transformer model = model_;
  const auto embedded = model->Embed(Stack::kEncoder, source, /*first_position=*/0);
  const int64_t longest = source.size(1);
  // Without padding: the sentences lie one behind the other.
  std::vector<int64_t> tokens;
  std::vector<SourceSpan> spans;
  std::vector<int32_t> sentence_of_row;
  for (size_t s = 0; s < lengths.size(); ++s) {
    spans.push_back({.first = static_cast<int64_t>(tokens.size()), .length = lengths[s]});
    for (int64_t i = 0; i < lengths[s]; ++i) {
      tokens.push_back(static_cast<int64_t>(s) * longest + i);
      sentence_of_row.push_back(static_cast<int32_t>(s));
    }
  }
  const auto count = static_cast<int64_t>(tokens.size());
  const auto flat = embedded.view({-1, config.d_model});
  Rows rows(config, flat.index_select(0, torch::tensor(tokens, torch::kLong)), memory);
  const PositionArrays positions(
      model->PositionsFor(Stack::kEncoder, embedded, /*first_position=*/0));
  const int64_t slot = 2 * config.d_model;
  for (size_t i = 0; i < encoder_.size(); ++i) {
    const EncoderLayers& layer = encoder_[i];
    const torch::Tensor& prefix = layer.attention.prefix;
    int32_t listed = -1;  // The sentence whose keys are listed.
    const auto keys_of = [&](int64_t row) {
      const int32_t sentence = sentence_of_row[static_cast<size_t>(row)];
      if (sentence == listed) return;
      listed = sentence;
      memory->keys.clear();
      if (prefix.defined()) {
        for (int64_t j = 0; j < prefix.size(0); ++j) {
          memory->keys.push_back(prefix.const_data_ptr<float>() + j * slot);
        }
      }
      const SourceSpan& span = spans[static_cast<size_t>(sentence)];
      for (int64_t j = span.first; j < span.first + span.length; ++j) {
        memory->keys.push_back(memory->projected.data() + j * 3 * config.d_model + config.d_model);
      }
    };
    const auto position_of = [&](int64_t row) {
      return row - spans[static_cast<size_t>(sentence_of_row[static_cast<size_t>(row)])].first;
    };
    rows.SelfAttend(layer.attention, positions, longest, static_cast<int64_t>(i), position_of,
                    keys_of, /*new_slots=*/nullptr);
    rows.FeedForward(layer.feed_forward);
  }
  if (encoder_norm_.weight.defined()) rows.Normalize(encoder_norm_);

  std::vector<KeyValueCache::Layer> caches;
  const int64_t head_dim = config.d_model / config.num_heads;
  for (const DecoderLayers& layer : decoder_) {
    auto of_source = torch::empty({count, 2, config.num_heads, head_dim});
    layer.source_key_value.Apply(memory->hidden.const_data_ptr<float>(), count, &memory->input,
                                 of_source.data_ptr<float>());
    const torch::Tensor& prefix = layer.cross_attention.prefix;
    if (prefix.defined()) {
      std::vector<torch::Tensor> pieces;
      for (const SourceSpan& span : spans) {
        pieces.push_back(prefix);
        pieces.push_back(of_source.narrow(0, span.first, span.length));
      }
      of_source = torch::cat(pieces);
    }
    caches.push_back({.of_source = of_source, .prefix = layer.attention.prefix});
  }
  const torch::Tensor& cross_prefix = decoder_.front().cross_attention.prefix;
  if (cross_prefix.defined()) {
    int64_t added = 0;
    for (SourceSpan& span : spans) {
      span.first += added;
      span.length += cross_prefix.size(0);
      added += cross_prefix.size(0);
    }
  }
  return {caches, std::move(spans)};
}

const float* PackedTransformer::DecodeStep(std::span<const int32_t> newest, KeyValueCache* cache,
                                           InferenceMemory* memory,
                                           SourceAttention* attention) const {
  const ModelConfig& config = this->config();
  Transformer model = model_;
  const auto count = static_cast<int64_t>(newest.size());
  const int64_t position = cache->steps();
  cache->BeginStep(count);
  auto ids = torch::empty({count, 1}, torch::kLong);
  std::ranges::copy(newest, ids.data_ptr<int64_t>());
  const auto embedded = model->Embed(Stack::kDecoder, ids, position);  // [rows, 1, d_model]
  const PositionArrays positions(model->PositionsFor(Stack::kDecoder, embedded, position));
  Rows rows(config, embedded.view({count, config.d_model}), memory);
  const int64_t slot = 2 * config.d_model;
  const int64_t rows_per_sentence = count / cache->num_sentences();
  for (size_t i = 0; i < decoder_.size(); ++i) {
    const DecoderLayers& layer = decoder_[i];
    const auto index = static_cast<int64_t>(i);
    const float* slots = cache->Slots(index);
    const auto position_of = [](int64_t) { return int64_t{0}; };
    const auto target_keys_of = [&](int64_t row) {
      memory->keys.clear();
      for (const int32_t place : cache->History(row)) memory->keys.push_back(slots + place * slot);
    };
    rows.SelfAttend(layer.attention, positions, /*queries=*/1, index, position_of, target_keys_of,
                    cache->NewSlots(index).data_ptr<float>());
    const float* source = cache->Source(index);
    int64_t listed = -1;
    const auto source_keys_of = [&](int64_t row) {
      if (row / rows_per_sentence == listed) return;
      listed = row / rows_per_sentence;
      memory->keys.clear();
      const SourceSpan& span = cache->Sentence(listed);
      for (int64_t j = span.first; j < span.first + span.length; ++j) {
        memory->keys.push_back(source + j * slot);
      }
    };
    torch::Tensor weights;
    if (attention != nullptr && attention->layer == index) {
      const torch::Tensor& prefix = layer.cross_attention.prefix;
      attention->SetLengths(*cache, prefix.defined() ? prefix.size(0) : 0);
      weights = attention->weights = torch::zeros({count, std::ranges::max(attention->lengths)});
    }
    rows.CrossAttend(layer.cross_attention, source_keys_of, weights);
    rows.FeedForward(layer.feed_forward);
  }
  if (decoder_norm_.weight.defined()) rows.Normalize(decoder_norm_);
  return memory->hidden.const_data_ptr<float>();
}

}  // namespace wavemt
