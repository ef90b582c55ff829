#include "model/transformer.h"

#include <ATen/record_function.h>

#include <cmath>

#include "model/dropout.h"

namespace wavemt {
namespace {

// Each [out, in] block of a fused projection is initialized as a matrix of its own.
void InitializeLinear(torch::nn::Linear& linear, int64_t blocks) {
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
    : dropout_(config.dropout),
      embedding_scale_(std::sqrt(static_cast<double>(config.d_model))),
      tied_output_(config.tied_embeddings != TiedEmbeddings::kNone) {
  using torch::nn::Embedding;
  source_embedding =
      register_module("source_embedding", Embedding(vocabulary.source, config.d_model));
  target_embedding =
      config.tied_embeddings == TiedEmbeddings::kAll
          ? source_embedding
          : register_module("target_embedding", Embedding(vocabulary.target, config.d_model));
  position_encoding = register_module(
      "position_encoding",
      AbsolutePositionalEncoding(config.d_model, config.position_encoding.max_length));
  encoder = register_module("encoder", Encoder(config));
  decoder = register_module("decoder", Decoder(config));
  if (!tied_output_) {
    output_projection =
        register_parameter("output_projection", torch::empty({vocabulary.target, config.d_model}));
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
}

torch::Tensor TransformerImpl::Embed(torch::nn::Embedding& embedding, const torch::Tensor& ids,
                                     int64_t first_position) {
  RECORD_USER_SCOPE("embedding");
  // Scaled as in Vaswani et al. 2017, section 3.4.
  const auto x = embedding(ids) * embedding_scale_;  // [batch, length, d_model]
  const auto encoded = position_encoding(x, first_position);
  return is_training() && dropout_ > 0 ? DropoutAdd(/*base=*/{}, encoded, dropout_) : encoded;
}

torch::Tensor TransformerImpl::Encode(const torch::Tensor& source,
                                      const torch::Tensor& src_padding_mask) {
  return encoder(Embed(source_embedding, source, /*first_position=*/0), src_padding_mask);
}

torch::Tensor TransformerImpl::Decode(const torch::Tensor& target_input,
                                      const torch::Tensor& encoder_output,
                                      const torch::Tensor& src_padding_mask) {
  return decoder(Embed(target_embedding, target_input, /*first_position=*/0), encoder_output,
                 src_padding_mask);
}

const torch::Tensor& TransformerImpl::OutputWeight() const {
  return tied_output_ ? target_embedding->weight : output_projection;
}

torch::Tensor TransformerImpl::Project(const torch::Tensor& hidden) const {
  return torch::linear(hidden, OutputWeight());
}

torch::Tensor TransformerImpl::forward(const torch::Tensor& source,
                                       const torch::Tensor& src_padding_mask,
                                       const torch::Tensor& target_input) {
  const auto encoder_output = Encode(source, src_padding_mask);  // [batch, src_len, d_model]
  return Project(Decode(target_input, encoder_output, src_padding_mask));
}

torch::Tensor TransformerImpl::DecodeStep(const torch::Tensor& newest, KeyValueCache* cache) {
  const auto x = Embed(target_embedding, newest.unsqueeze(1), cache->steps);  // [rows, 1, d_model]
  return decoder->ForwardStep(x, cache).squeeze(1);                           // [rows, d_model]
}

}  // namespace wavemt
