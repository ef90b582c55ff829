#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <vector>

#include "config/config.h"
#include "inference/packed_linear.h"
#include "model/key_value_cache.h"
#include "model/source_attention.h"
#include "model/transformer.h"

namespace wavemt {

/// What a thread needs besides the model: memory that it uses again in each step.
struct InferenceMemory {
  PackedInput input;
  torch::Tensor hidden;            // [rows, d_model], what the layers change.
  std::vector<float> normed;       // [rows, d_model]
  std::vector<float> projected;    // [rows, 3 * d_model]
  std::vector<float> context;      // [rows, d_model]
  std::vector<float> inner;        // [rows, ffn_dim], twice as many columns for SwiGLU
  std::vector<float> added;        // [rows, d_model]
  std::vector<float> scores;       // [keys]
  std::vector<const float*> keys;  // [keys]
};

/// A Transformer's forward pass for translating on the CPU: weights packed for small products, no
/// padding, memory that is used again, keys and values that stay where they are. A thread computes
/// a whole pass, and several threads share the model. The results are those of the modules, but for
/// rounding; the modules are the reference in its tests.
class PackedTransformer {
 public:
  struct Options {
    DecodingPrecision precision = DecodingPrecision::kFp32;  // Not kAuto.
    ProductKernels kernels = ProductKernels::kLibTorch;
    /// Frees each matrix of the layers as soon as it is packed, so that memory holds it once.
    /// Nobody else can use the model then.
    bool consumes_model = false;
  };
  /// Whether this class can compute the model: on the CPU, in fp32.
  static bool CanPack(const Transformer& model);
  PackedTransformer(const Transformer& model, const Options& options);

  /// Encodes sentences, rectangular and padded, for a search.
  KeyValueCache Encode(const torch::Tensor& source, std::span<const int64_t> lengths,
                       InferenceMemory* memory) const;

  /// One decoding step; newest: the newest token of each row. Returns the decoder's output, [rows,
  /// d_model], which stays in memory->hidden until the next call. attention: what to note of the
  /// attention to the source; null: nothing.
  const float* DecodeStep(std::span<const int32_t> newest, KeyValueCache* cache,
                          InferenceMemory* memory, SourceAttention* attention = nullptr) const;

  /// Maps the decoder's output to logits.
  const PackedLinear& output() const { return output_; }
  /// The same for some tokens of the target vocabulary only.
  PackedLinear OutputOf(std::span<const int32_t> tokens) const;
  const ModelConfig& config() const { return model_->config(); }

 private:
  struct Norm {
    torch::Tensor weight;
    torch::Tensor bias;
    float epsilon = 0;
  };
  struct Attention {
    PackedLinear in;  // To queries, keys and values; in cross-attention to queries alone.
    PackedLinear out;
    Norm norm;
    torch::Tensor prefix;  // [prefix, 2, num_heads, head_dim]; undefined: none.
  };
  struct FeedForwardLayers {
    PackedLinear in;
    PackedLinear out;
    Norm norm;
  };
  struct EncoderLayers {
    Attention attention;
    FeedForwardLayers feed_forward;
  };
  struct DecoderLayers {
    Attention attention;
    PackedLinear source_key_value;
    Attention cross_attention;
    FeedForwardLayers feed_forward;
  };
  class Packer;
  class Rows;  // The rows of a pass on their way through the layers.

  Transformer model_;  // For embeddings and positions.
  std::vector<EncoderLayers> encoder_;
  std::vector<DecoderLayers> decoder_;
  Norm encoder_norm_;  // Undefined weights: none.
  Norm decoder_norm_;
  PackedLinear output_;
  Options options_;
};

}  // namespace wavemt
