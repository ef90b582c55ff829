#include "model/positions/absolute_positional_encoding.h"

#include "model/positions/position_rows.h"
#include "model/positions/wave_angles.h"
#include "support/error.h"

namespace wavemt {

AbsolutePositionalEncodingImpl::AbsolutePositionalEncodingImpl(int64_t d_model, int64_t max_len) {
  // [max_len, ceil(d_model / 2)]
  const auto angle = WaveAngles(torch::arange(max_len, torch::kDouble), d_model, /*base=*/10000.0);
  auto table = torch::zeros({max_len, d_model}, torch::kDouble);
  using torch::indexing::None;
  using torch::indexing::Slice;
  table.index_put_({Slice(), Slice(0, None, 2)}, torch::sin(angle));
  table.index_put_({Slice(), Slice(1, None, 2)},
                   torch::cos(angle.index({Slice(), Slice(None, d_model / 2)})));
  pe = register_buffer("pe", table.to(torch::kFloat));
}

torch::Tensor AbsolutePositionalEncodingImpl::forward(const torch::Tensor& x,
                                                      int64_t first_position) {
  const int64_t length = x.size(1);
  if (first_position + length > max_len()) {
    throw UsageError(
        "a sentence of {} tokens is longer than the model's {} positions "
        "(model.position_encoding.max_length)",
        first_position + length, max_len());
  }
  return x + pe.narrow(0, first_position, length);  // [batch, length, d_model]
}

torch::Tensor AbsolutePositionalEncodingImpl::AddTo(const torch::Tensor& x,
                                                    const TokenPositions& positions,
                                                    Stack /*stack*/) {
  if (!positions.starts.defined()) return forward(x, positions.first);
  return x + RowsAt(pe, positions, x.size(1));
}

std::vector<PositionEncodingImpl::Table> AbsolutePositionalEncodingImpl::Tables() {
  return {{.name = "pe", .values = pe, .dimension = 0, .is_learned = false}};
}

}  // namespace wavemt
