#pragma once

#include <torch/torch.h>

#include "model/positions/position_encoding.h"

namespace wavemt {

/// The two formulas of the article on absolute position encoding that wavemt began with. All
/// columns share one frequency, which is so low that 512 positions cover a twentieth of its period;
/// compare AbsolutePositionalEncoding, whose frequencies fall from column to column, and which is
/// what the article's own code computes.

/// The encoding `article` (its section 3), with a learned amplitude P:
///   x(t) + P[:, t] sin(2 pi t / 10000) + P[:, t] cos(2 pi t / 10000)
/// Both waves have the same factor, so this is a learned vector for each position whose length is
/// multiplied by sin + cos, a number between 1 and 1.42 for the first 2,500 positions.
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
