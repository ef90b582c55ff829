#include "model/positions/article_encoding.h"

#include <cmath>
#include <numbers>

#include "model/positions/position_rows.h"

namespace wavemt {
namespace {

// 2 pi t / 10000, in double precision; a trailing dimension of 1 stands for the columns.
torch::Tensor AnglesOf(const TokenPositions& positions, int64_t length, torch::Device device) {
  const auto t =
      PositionsOf(positions, length, torch::TensorOptions(torch::kDouble).device(device));
  return (t * (2.0 * std::numbers::pi / 10000.0)).unsqueeze(-1);
}

}  // namespace

ArticleEncodingImpl::ArticleEncodingImpl(int64_t d_model, int64_t max_length) {
  amplitude = register_parameter("amplitude", torch::empty({d_model, max_length}));
}

torch::Tensor ArticleEncodingImpl::AddTo(const torch::Tensor& x, const TokenPositions& positions,
                                         Stack /*stack*/) {
  const auto angles = AnglesOf(positions, x.size(1), x.device());  // [(batch,) length, 1]
  const auto waves = (torch::sin(angles) + torch::cos(angles)).to(x.scalar_type());
  return x + RowsAt(amplitude.t(), positions, x.size(1)) * waves;
}

void ArticleEncodingImpl::InitializeWeights() {
  torch::nn::init::normal_(amplitude, 0.0, 1.0 / std::sqrt(static_cast<double>(amplitude.size(0))));
}

std::vector<PositionEncodingImpl::Table> ArticleEncodingImpl::Tables() {
  return {{.name = "amplitude", .values = amplitude, .dimension = 1, .is_learned = true}};
}

torch::Tensor ArticleFixedEncodingImpl::AddTo(const torch::Tensor& x,
                                              const TokenPositions& positions, Stack /*stack*/) {
  const auto angles = AnglesOf(positions, x.size(1), x.device());  // [(batch,) length, 1]
  const int64_t d_model = x.size(2);
  std::vector<int64_t> shape = angles.sizes().vec();
  const auto columns = [&](const torch::Tensor& wave, int64_t count) {
    shape.back() = count;
    return wave.to(x.scalar_type()).expand(shape);
  };
  return x + torch::cat({columns(torch::sin(angles), (d_model + 1) / 2),
                         columns(torch::cos(angles), d_model / 2)},
                        /*dim=*/-1);
}

}  // namespace wavemt
