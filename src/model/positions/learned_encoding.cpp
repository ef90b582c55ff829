#include "model/positions/learned_encoding.h"

#include <cmath>

#include "model/positions/position_rows.h"

namespace wavemt {

LearnedEncodingImpl::LearnedEncodingImpl(int64_t d_model, int64_t max_length) {
  encoder_weight = register_parameter("encoder_weight", torch::empty({max_length, d_model}));
  decoder_weight = register_parameter("decoder_weight", torch::empty({max_length, d_model}));
}

torch::Tensor LearnedEncodingImpl::AddTo(const torch::Tensor& x, const TokenPositions& positions,
                                         Stack stack) {
  const torch::Tensor& table = stack == Stack::kEncoder ? encoder_weight : decoder_weight;
  return x + RowsAt(table, positions, x.size(1));
}

void LearnedEncodingImpl::InitializeWeights() {
  const double std = 1.0 / std::sqrt(static_cast<double>(encoder_weight.size(1)));
  torch::nn::init::normal_(encoder_weight, 0.0, std);
  torch::nn::init::normal_(decoder_weight, 0.0, std);
}

std::vector<PositionEncodingImpl::Table> LearnedEncodingImpl::Tables() {
  return {{.name = "encoder_weight", .values = encoder_weight, .dimension = 0, .is_learned = true},
          {.name = "decoder_weight", .values = decoder_weight, .dimension = 0, .is_learned = true}};
}

}  // namespace wavemt
