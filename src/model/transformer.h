#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "model/decoder.h"
#include "model/encoder.h"
#include "model/key_value_cache.h"
#include "model/output_layer.h"
#include "model/positions/position_encoding.h"
#include "model/vocabulary_sizes.h"

namespace wavemt {

/// The translation model of Vaswani et al. 2017: maps the token ids of a source sentence and of the
/// target so far to logits of each next target token.
///
/// Tied weights are registered once, under the first of their names in the order
/// `source_embedding`, `target_embedding`, `output_projection`.
class TransformerImpl : public torch::nn::Module {
 public:
  /// Draws the initial weights from LibTorch's default generator: Xavier uniform for matrices
  /// (Glorot and Bengio 2010), normal with variance 1 / d_model for embeddings.
  TransformerImpl(const ModelConfig& config, const VocabularySizes& vocabulary);

  /// source: ids, [batch, src_len]; src_padding_mask: [batch, 1, 1, src_len], true = may attend,
  /// undefined: no padding. Returns the encoder's output, [batch, src_len, d_model].
  torch::Tensor Encode(const torch::Tensor& source, const torch::Tensor& src_padding_mask);

  /// target_input: ids beginning with <s>, [batch, tgt_len]. Returns the decoder's output,
  /// [batch, tgt_len, d_model]; position t depends on the input up to and including t.
  torch::Tensor Decode(const torch::Tensor& target_input, const torch::Tensor& encoder_output,
                       const torch::Tensor& src_padding_mask);

  /// The matrix that maps decoder output to logits, [target vocabulary, d_model].
  const torch::Tensor& OutputWeight() const;

  /// The same matrix with its bias.
  OutputLayer Output() const { return {OutputWeight(), output_bias}; }

  /// Decoder output -> logits: [..., d_model] -> [..., target vocabulary].
  torch::Tensor Project(const torch::Tensor& hidden) const;

  /// Encode, Decode and Project: logits, [batch, tgt_len, target vocabulary].
  torch::Tensor forward(const torch::Tensor& source, const torch::Tensor& src_padding_mask,
                        const torch::Tensor& target_input);

  /// One decoding step; newest: the newest token of each row, [rows]. Returns the decoder's output,
  /// [rows, d_model]. attention: what to note of the attention to the source; null: nothing.
  torch::Tensor DecodeStep(const torch::Tensor& newest, KeyValueCache* cache,
                           SourceAttention* attention = nullptr);

  /// ids: [batch, length], whose first column is at `first_position`. Returns their embeddings with
  /// positions, [batch, length, d_model]. A usage error if the model has too few positions.
  torch::Tensor Embed(Stack stack, const torch::Tensor& ids, int64_t first_position);

  /// What positions do in the self-attention of a pass with the queries x, [batch, length,
  /// d_model].
  AttentionPositions PositionsFor(Stack stack, const torch::Tensor& x, int64_t first_position);

  const ModelConfig& config() const { return config_; }

  /// The longest source or target sequence that the model can process, in tokens.
  int64_t max_length() const { return config_.position_encoding.max_length; }

  torch::nn::Embedding source_embedding{nullptr};
  torch::nn::Embedding target_embedding{nullptr};  // The source's module if all are tied.
  PositionEncoding position_encoding{nullptr};
  Encoder encoder{nullptr};
  Decoder decoder{nullptr};
  torch::Tensor output_projection;  // [target vocabulary, d_model]; undefined if it is tied.
  torch::Tensor output_bias;        // [target vocabulary]; undefined without model.output_bias.

 private:
  void InitializeWeights();

  ModelConfig config_;
  double embedding_scale_;
  bool tied_output_;
};
TORCH_MODULE(Transformer);

}  // namespace wavemt
