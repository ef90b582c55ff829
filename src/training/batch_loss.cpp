#include "training/batch_loss.h"

#include "training/autocast.h"
#include "training/device_batch.h"
#include "training/loss.h"

namespace wavemt {

torch::Tensor BatchLoss(Transformer& model, const Batch& batch, const BatchLossOptions& options) {
  const DeviceBatch on_device = ToDevice(batch, options.device);
  const Autocast autocast(options.device, options.precision);
  const auto memory = model->Encode(on_device.source, on_device.src_padding_mask);
  const auto hidden = model->Decode(on_device.target_input, memory, on_device.src_padding_mask);
  return ProjectedCrossEntropy(hidden, model->OutputWeight(), on_device.labels,
                               options.label_smoothing);
}

}  // namespace wavemt
