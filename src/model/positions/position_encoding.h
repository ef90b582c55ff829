#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

namespace wavemt {

enum class Stack { kEncoder, kDecoder };

/// Where the tokens of a batch stand: token i of row r is at position first + starts[r] + i.
struct TokenPositions {
  int64_t first = 0;
  torch::Tensor starts{};  // [batch], int64; undefined: all 0.
};

/// The self-attention of one pass through a stack. Its queries are at the positions first,
/// first + 1, ... and its keys at 0, 1, ... up to the last query.
struct AttentionSpan {
  Stack stack = Stack::kEncoder;
  int64_t first = 0;
  int64_t queries = 0;
  torch::TensorOptions options{};  // The device and the type of what the stack computes with.

  int64_t keys() const { return first + queries; }
};

/// What positions do in self-attention. A tensor that is undefined does nothing. Vectors by
/// distance have queries + keys - 1 rows, in the order of Distances() (distances.h).
struct AttentionPositions {
  /// [queries, head_dim / 2], complex: multiplies the pairs of columns of queries and new keys.
  torch::Tensor rotation{};
  /// [1, num_heads, queries, keys]: added to the scaled scores.
  torch::Tensor score_bias{};
  /// Added to each key as the query at that distance sees it; in all layers
  /// [layers, queries + keys - 1, head_dim], in one layer without the first dimension.
  torch::Tensor key_vectors{};
  torch::Tensor value_vectors{};  // The same for values.

  AttentionPositions WithoutScoreBias() const {
    AttentionPositions others = *this;
    others.score_bias.reset();
    return others;
  }

  /// What there is for one layer.
  AttentionPositions InLayer(int64_t layer) const {
    AttentionPositions one = *this;
    if (key_vectors.defined()) one.key_vectors = key_vectors[layer];
    if (value_vectors.defined()) one.value_vectors = value_vectors[layer];
    return one;
  }
};

/// How a model knows where a token stands: by what is added to the embeddings, or by what happens
/// in self-attention. Cross-attention knows no positions of its own. This class is the encoding
/// `none`: without positions, an encoder takes a sentence for a bag of words, while a decoder can
/// still count the tokens that it may attend to.
class PositionEncodingImpl : public torch::nn::Module {
 public:
  /// x: embeddings, [batch, length, d_model]. Returns them with their positions.
  virtual torch::Tensor AddTo(const torch::Tensor& x, const TokenPositions& /*positions*/,
                              Stack /*stack*/) {
    return x;
  }

  /// Does not depend on the tokens of the batch; all layers of a pass share it.
  virtual AttentionPositions ForAttention(const AttentionSpan& /*span*/) { return {}; }

  /// Draws the initial weights, if it has any, from LibTorch's default generator.
  virtual void InitializeWeights() {}

  /// A tensor with a row or column for each of max_length positions.
  struct Table {
    std::string name;  // As registered.
    torch::Tensor values;
    int64_t dimension = 0;  // The one that counts positions.
    bool is_learned = false;
  };
  virtual std::vector<Table> Tables() { return {}; }
};
TORCH_MODULE(PositionEncoding);

}  // namespace wavemt
