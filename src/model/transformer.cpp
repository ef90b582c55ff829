#include "model/transformer.h"

#include <ATen/record_function.h>

#include <cmath>

#include "model/dropout.h"
#include "model/positions/make_position_encoding.h"
#include "support/error.h"

namespace wavemt {
namespace {

// Each [out, in] block of a fused projection is initialized as a matrix of its own.
void InitializeLinear(Projection& linear, int64_t blocks) {
  for (auto& block : linear->weight.chunk(blocks, /*dim=*/0)) {
    torch::nn::init::xavier_uniform_(block);
  }
  torch::nn::init::zeros_(linear->bias);
}

void InitializeFeedForward(FeedForward& layer) {
  const bool has_gate = layer->in_proj->weight.size(0) != layer->out_proj->weight.size(1);
  InitializeLinear(layer->in_proj, has_gate ? 2 : 1);
  InitializeLinear(layer->out_proj, 1);
}

void InitializeSelfAttention(SelfAttention& layer) {
  InitializeLinear(layer->qkv_proj, 3);
  InitializeLinear(layer->out_proj, 1);
}

}  // namespace

TransformerImpl::TransformerImpl(const ModelConfig& config, const VocabularySizes& vocabulary)
    : config_(config),
      embedding_scale_(std::sqrt(static_cast<double>(config.d_model))),
      tied_output_(config.tied_embeddings != TiedEmbeddings::kNone) {
  using torch::nn::Embedding;
  source_embedding =
      register_module("source_embedding", Embedding(vocabulary.source, config.d_model));
  target_embedding =
      config.tied_embeddings == TiedEmbeddings::kAll
          ? source_embedding
          : register_module("target_embedding", Embedding(vocabulary.target, config.d_model));
  position_encoding = register_module("position_encoding", MakePositionEncoding(config));
  encoder = register_module("encoder", Encoder(config));
  decoder = register_module("decoder", Decoder(config));
  if (!tied_output_) {
    output_projection =
        register_parameter("output_projection", torch::empty({vocabulary.target, config.d_model}));
  }
  if (config.output_bias) {
    output_bias = register_parameter("output_bias", torch::zeros({vocabulary.target}));
  }
  InitializeWeights();
}

void TransformerImpl::InitializeWeights() {
  const torch::NoGradGuard no_grad;
  const double embedding_std = 1.0 / embedding_scale_;
  torch::nn::init::normal_(source_embedding->weight, 0.0, embedding_std);
  if (target_embedding.get() != source_embedding.get()) {
    torch::nn::init::normal_(target_embedding->weight, 0.0, embedding_std);
  }
  if (!tied_output_) torch::nn::init::normal_(output_projection, 0.0, embedding_std);
  for (const auto& module : *encoder->layers) {
    auto* layer = module->as<EncoderLayer>();
    InitializeSelfAttention(layer->self_attention);
    InitializeFeedForward(layer->feed_forward);
  }
  for (const auto& module : *decoder->layers) {
    auto* layer = module->as<DecoderLayer>();
    InitializeSelfAttention(layer->self_attention);
    InitializeLinear(layer->cross_attention->q_proj, 1);
    InitializeLinear(layer->cross_attention->kv_proj, 2);
    InitializeLinear(layer->cross_attention->out_proj, 1);
    InitializeFeedForward(layer->feed_forward);
  }
  // Last, so that a seed gives all other weights the same values with every encoding.
  position_encoding->InitializeWeights();
}

torch::Tensor TransformerImpl::Embed(Stack stack, const torch::Tensor& ids,
                                     int64_t first_position) {
  RECORD_USER_SCOPE("embedding");
  const int64_t random_shift = is_training() ? config_.position_encoding.random_shift : 0;
  const int64_t end = first_position + ids.size(1) + random_shift;
  if (end > max_length()) {
    throw UsageError(
        "a sentence of {} tokens is longer than the model's {} positions "
        "(model.position_encoding.max_length)",
        end, max_length());
  }
  // Scaled as in Vaswani et al. 2017, section 3.4.
  auto& embedding = stack == Stack::kEncoder ? source_embedding : target_embedding;
  const auto x = embedding(ids) * embedding_scale_;  // [batch, length, d_model]
  TokenPositions positions = {.first = first_position};
  if (random_shift > 0) {
    // SHAPE (Kiyono et al. 2021): with the origin out of reach, a model learns to go by distances.
    positions.starts = torch::randint(random_shift + 1, {ids.size(0)}, ids.options());
  }
  const auto encoded = position_encoding->AddTo(x, positions, stack);
  const double dropout = is_training() ? config_.dropout : 0.0;
  return dropout > 0 ? DropoutAdd(/*base=*/{}, encoded, dropout) : encoded;
}

AttentionPositions TransformerImpl::PositionsFor(Stack stack, const torch::Tensor& x,
                                                 int64_t first_position) {
  RECORD_USER_SCOPE("self-attention");
  return position_encoding->ForAttention({.stack = stack,
                                          .first = first_position,
                                          .queries = x.size(1),
                                          .options = x.options().requires_grad(false)});
}

torch::Tensor TransformerImpl::Encode(const torch::Tensor& source,
                                      const torch::Tensor& src_padding_mask) {
  const auto x = Embed(Stack::kEncoder, source, /*first_position=*/0);
  return encoder(x, src_padding_mask, PositionsFor(Stack::kEncoder, x, /*first_position=*/0));
}

torch::Tensor TransformerImpl::Decode(const torch::Tensor& target_input,
                                      const torch::Tensor& encoder_output,
                                      const torch::Tensor& src_padding_mask) {
  const auto x = Embed(Stack::kDecoder, target_input, /*first_position=*/0);
  return decoder(x, encoder_output, src_padding_mask,
                 PositionsFor(Stack::kDecoder, x, /*first_position=*/0));
}

const torch::Tensor& TransformerImpl::OutputWeight() const {
  return tied_output_ ? target_embedding->weight : output_projection;
}

torch::Tensor TransformerImpl::Project(const torch::Tensor& hidden) const {
  return torch::linear(hidden, OutputWeight(), output_bias);
}

torch::Tensor TransformerImpl::forward(const torch::Tensor& source,
                                       const torch::Tensor& src_padding_mask,
                                       const torch::Tensor& target_input) {
  const auto encoder_output = Encode(source, src_padding_mask);  // [batch, src_len, d_model]
  return Project(Decode(target_input, encoder_output, src_padding_mask));
}

torch::Tensor TransformerImpl::DecodeStep(const torch::Tensor& newest, KeyValueCache* cache,
                                          SourceAttention* attention) {
  const int64_t position = cache->steps();
  cache->BeginStep(newest.size(0));
  const auto x = Embed(Stack::kDecoder, newest.unsqueeze(1), position);  // [rows, 1, d_model]
  const auto positions = PositionsFor(Stack::kDecoder, x, position);
  return decoder->ForwardStep(x, positions, cache, attention).squeeze(1);  // [rows, d_model]
}

}  // namespace wavemt
