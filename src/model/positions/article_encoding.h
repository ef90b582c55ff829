#pragma once

#include <torch/torch.h>

#include "model/positions/position_encoding.h"

namespace wavemt {

// The two formulas of the article on absolute position encoding that wavemt began with (see
// src/README.md). All columns share one wave of 10,000 tokens, of which 512 positions cover a
// twentieth; compare AbsolutePositionalEncoding, whose waves grow from column to column, and which
// is what the article's own code computes.

/// The encoding `article` (its section 3), with a learned amplitude P:
///   x(t) + P[:, t] sin(2 pi t / 10000) + P[:, t] cos(2 pi t / 10000)
/// Both waves have the same factor, so this is a learned vector for each position, scaled by sin +
/// cos: from 1 to 1.26 for the first 512 positions, 0 at position 3,750, negative up to 8,750.
class ArticleEncodingImpl : public PositionEncodingImpl {
 public:
  ArticleEncodingImpl(int64_t d_model, int64_t max_length);

  torch::Tensor AddTo(const torch::Tensor& x, const TokenPositions& positions,
                      Stack stack) override;
  /// Normal with variance 1 / d_model, like LearnedEncoding.
  void InitializeWeights() override;
  std::vector<Table> Tables() override;

  torch::Tensor amplitude;  // P, [d_model, max_length]; source and target share it.
};
TORCH_MODULE(ArticleEncoding);

/// The encoding `article_fixed` (its section 4.1), without weights: the first ceil(d_model / 2)
/// columns get sin(2 pi t / 10000) and the others cos(2 pi t / 10000).
class ArticleFixedEncodingImpl : public PositionEncodingImpl {
 public:
  torch::Tensor AddTo(const torch::Tensor& x, const TokenPositions& positions,
                      Stack stack) override;
};
TORCH_MODULE(ArticleFixedEncoding);

}  // namespace wavemt
