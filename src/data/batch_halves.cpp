#include "data/batch_halves.h"

#include <algorithm>
#include <numeric>

namespace wavemt {
namespace {

// Copies the first `width` columns of the rows [begin, end) of an array with rows of `length`.
std::vector<int64_t> Block(const std::vector<int64_t>& values, int64_t length, int64_t width,
                           int64_t begin, int64_t end) {
  std::vector<int64_t> block;
  block.reserve(static_cast<size_t>((end - begin) * width));
  for (int64_t row = begin; row < end; ++row) {
    const auto first = values.begin() + row * length;
    block.insert(block.end(), first, first + width);
  }
  return block;
}

Batch Rows(const Batch& batch, int64_t begin, int64_t end) {
  Batch rows;
  rows.rows = end - begin;
  rows.source_lengths.assign(batch.source_lengths.begin() + begin,
                             batch.source_lengths.begin() + end);
  rows.target_lengths.assign(batch.target_lengths.begin() + begin,
                             batch.target_lengths.begin() + end);
  rows.source_length = std::ranges::max(rows.source_lengths);
  rows.target_length = std::ranges::max(rows.target_lengths);
  rows.source = Block(batch.source, batch.source_length, rows.source_length, begin, end);
  rows.target_input =
      Block(batch.target_input, batch.target_length, rows.target_length, begin, end);
  rows.labels = Block(batch.labels, batch.target_length, rows.target_length, begin, end);
  if (!batch.weights.empty()) {
    rows.weights.assign(batch.weights.begin() + begin, batch.weights.begin() + end);
  }
  const auto sum = [](const std::vector<int64_t>& lengths) {
    return std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  };
  rows.source_tokens = sum(rows.source_lengths);
  rows.target_tokens = sum(rows.target_lengths);
  return rows;
}

}  // namespace

std::pair<Batch, Batch> Halves(const Batch& batch) {
  const int64_t middle = batch.rows / 2;
  return {Rows(batch, 0, middle), Rows(batch, middle, batch.rows)};
}

}  // namespace wavemt
