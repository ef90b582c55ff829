#include "workflow/position_tables.h"

#include "support/error.h"
#include "support/progress.h"

namespace wavemt {
namespace {

// `saved` with as many positions as `table`.
torch::Tensor Fitted(const torch::Tensor& saved, const PositionEncodingImpl::Table& table,
                     const std::string& origin) {
  const int64_t dimension = table.dimension;
  const int64_t has = saved.size(dimension);
  const int64_t wanted = table.values.size(dimension);
  if (wanted <= has) return saved.narrow(dimension, 0, wanted);
  if (table.is_learned) {
    throw UsageError(
        "model.position_encoding.max_length: {} is more than the {} positions that {} has learned; "
        "only an encoding that is computed can be lengthened after training",
        WithThousands(wanted), WithThousands(has), origin);
  }
  const auto values = table.values.detach().cpu();
  // Copies of a model in a shorter type than fp32 have rounded values.
  const double tolerance = saved.element_size() < 4 ? 0.01 : 1e-4;
  if (!torch::allclose(saved.to(values.scalar_type()), values.narrow(dimension, 0, has),
                       /*rtol=*/0, tolerance)) {
    throw UsageError(
        "{}: its table of positions is not what the formula gives, so "
        "model.position_encoding.max_length cannot be more than its {} positions",
        origin, WithThousands(has));
  }
  return torch::cat({saved.to(values.scalar_type()), values.narrow(dimension, has, wanted - has)},
                    dimension);
}

}  // namespace

void FitPositionTables(PositionEncodingImpl& encoding, const std::string& origin,
                       NamedTensors* weights) {
  for (const auto& table : encoding.Tables()) {
    const auto found = weights->find(std::string(kPositionPrefix) + table.name);
    if (found == weights->end()) continue;
    torch::Tensor& saved = found->second;
    // Of other shapes, CopyTensors() says what is wrong.
    if (saved.dim() != 2 || !saved.is_floating_point()) continue;
    const int64_t width = 1 - table.dimension;
    if (saved.numel() == 0 || saved.size(width) != table.values.size(width)) continue;
    if (saved.size(table.dimension) != table.values.size(table.dimension)) {
      saved = Fitted(saved, table, origin);
    }
  }
}

}  // namespace wavemt
