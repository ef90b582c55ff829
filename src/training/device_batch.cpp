#include "training/device_batch.h"

#include <algorithm>
#include <vector>

#include "model/masks.h"

namespace wavemt {
namespace {

torch::Tensor Copy(const std::vector<int64_t>& values, at::IntArrayRef shape,
                   torch::Device device) {
  // from_blob wants a pointer to what it could change; the copy that follows only reads it.
  auto view = torch::from_blob(const_cast<int64_t*>(values.data()), shape, torch::kLong);
  return device.is_cuda() ? view.pin_memory().to(device, /*non_blocking=*/true) : view.clone();
}

}  // namespace

DeviceBatch ToDevice(const Batch& batch, torch::Device device) {
  DeviceBatch result;
  result.source = Copy(batch.source, {batch.rows, batch.source_length}, device);
  result.target_input = Copy(batch.target_input, {batch.rows, batch.target_length}, device);
  result.labels = Copy(batch.labels, {batch.rows, batch.target_length}, device);
  const int64_t shortest =
      *std::min_element(batch.source_lengths.begin(), batch.source_lengths.end());
  if (shortest < batch.source_length) {
    result.src_padding_mask =
        PaddingMask(Copy(batch.source_lengths, {batch.rows}, device), batch.source_length);
  }
  return result;
}

}  // namespace wavemt
