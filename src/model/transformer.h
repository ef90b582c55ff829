#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "model/absolute_positional_encoding.h"
#include "model/decoder.h"
#include "model/decoder_cache.h"
#include "model/encoder.h"

namespace wavemt {

/// Pieces of the two vocabularies; equal and shared where the model ties all embeddings.
struct VocabularySizes {
  int64_t source = 0;
  int64_t target = 0;
};

/// The translation model of Vaswani et al. 2017: ids of a source sentence and of the target so far
/// -> scores of each next target token.
///
/// Tied weights are registered once, under the first of their names: `source_embedding`, then
/// `target_embedding`, then `output_projection`.
class TransformerImpl : public torch::nn::Module {
 public:
  /// Draws the initial weights from LibTorch's default generator: Xavier uniform for matrices
  /// (Glorot and Bengio 2010), normal with variance 1 / d_model for embeddings.
  TransformerImpl(const ModelConfig& config, const VocabularySizes& vocabulary);

  /// source: ids, [batch, src_len]; src_padding_mask: [batch, 1, 1, src_len], true = may attend,
  /// undefined: no padding. Returns the encoder's output, [batch, src_len, d_model].
  torch::Tensor Encode(const torch::Tensor& source, const torch::Tensor& src_padding_mask);

  /// target_input: ids beginning with <s>, [batch, tgt_len]. Returns the decoder's output,
  /// [batch, tgt_len, d_model]; place t has seen the input up to t.
  torch::Tensor Decode(const torch::Tensor& target_input, const torch::Tensor& memory,
                       const torch::Tensor& src_padding_mask);

  /// What turns decoder output into logits, [target vocabulary, d_model].
  const torch::Tensor& OutputWeight() const;

  /// Decoder output -> logits: [..., d_model] -> [..., target vocabulary].
  torch::Tensor Project(const torch::Tensor& hidden) const;

  /// Encode, Decode and Project: logits, [batch, tgt_len, target vocabulary].
  torch::Tensor forward(const torch::Tensor& source, const torch::Tensor& src_padding_mask,
                        const torch::Tensor& target_input);

  /// One step of a search: `newest` holds each row's newest token, [rows]. Returns the decoder's
  /// output, [rows, d_model].
  torch::Tensor DecodeStep(const torch::Tensor& newest, DecoderCache* cache);

  /// The longest sequence that either side can hold, in tokens.
  int64_t max_length() const { return position_encoding->max_len(); }

  torch::nn::Embedding source_embedding{nullptr};
  torch::nn::Embedding target_embedding{nullptr};  // The source's object where all are tied.
  AbsolutePositionalEncoding position_encoding{nullptr};
  Encoder encoder{nullptr};
  Decoder decoder{nullptr};
  torch::Tensor output_projection;  // [target vocabulary, d_model]; maybe the embedding's weight.

 private:
  torch::Tensor Embed(torch::nn::Embedding& embedding, const torch::Tensor& ids,
                      int64_t first_position);
  void InitializeWeights();

  double dropout_;
  double embedding_scale_;
  bool tied_output_;
};
TORCH_MODULE(Transformer);

}  // namespace wavemt
