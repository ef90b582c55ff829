#include "training/device_batch.h"

#include <algorithm>
#include <array>
#include <vector>

#include "model/masks.h"

namespace wavemt {

DeviceBatch ToDevice(const Batch& batch, torch::Device device) {
  // A single copy, because each copy to a GPU has a fixed cost. Only pinned memory can be copied
  // without the host waiting.
  const std::array arrays = {&batch.source, &batch.target_input, &batch.labels,
                             &batch.source_lengths};
  int64_t size = 0;
  for (const auto* array : arrays) size += static_cast<int64_t>(array->size());
  auto numbers =
      torch::empty({size}, torch::TensorOptions(torch::kLong).pinned_memory(device.is_cuda()));
  auto* end = numbers.mutable_data_ptr<int64_t>();
  for (const auto* array : arrays) end = std::copy(array->begin(), array->end(), end);
  numbers = numbers.to(device, /*non_blocking=*/true);

  int64_t begin = 0;
  const auto take = [&](int64_t columns) {
    auto taken = numbers.narrow(0, begin, batch.rows * columns).view({batch.rows, columns});
    begin += batch.rows * columns;
    return taken;
  };
  DeviceBatch result;
  result.source = take(batch.source_length);
  result.target_input = take(batch.target_length);
  result.labels = take(batch.target_length);
  const int64_t shortest =
      *std::min_element(batch.source_lengths.begin(), batch.source_lengths.end());
  if (shortest < batch.source_length) {
    result.src_padding_mask = PaddingMask(take(1).squeeze(1), batch.source_length);
  }
  if (!batch.weights.empty()) {
    auto weights =
        torch::empty({batch.rows, 1}, torch::TensorOptions().pinned_memory(device.is_cuda()));
    std::ranges::copy(batch.weights, weights.mutable_data_ptr<float>());
    result.label_weights =
        weights.to(device, /*non_blocking=*/true).expand({batch.rows, batch.target_length});
  }
  return result;
}

DeviceBatch Doubled(const DeviceBatch& batch) {
  const auto twice = [](const torch::Tensor& t) {
    return t.defined() ? torch::cat({t, t}) : torch::Tensor();
  };
  return {.source = twice(batch.source),
          .src_padding_mask = twice(batch.src_padding_mask),
          .target_input = twice(batch.target_input),
          .labels = twice(batch.labels),
          .label_weights = twice(batch.label_weights)};
}

}  // namespace wavemt
