// One update, from top to bottom: batches, forward, loss, backward, the check for numbers that are
// not finite, clipping, Adam, the moving average.
#include "training/update.h"

#include <ATen/record_function.h>

#include <utility>

#include "model/out_of_memory.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"
#include "training/autocast.h"
#include "training/device_batch.h"
#include "training/learning_rate_schedule.h"
#include "training/loss.h"
#include "training/non_finite.h"

namespace wavemt {

std::vector<Batch> NextBatches(Batcher& batcher, int64_t count) {
  RECORD_USER_SCOPE("data");
  std::vector<Batch> batches;
  for (int64_t i = 0; i < count; ++i) batches.push_back(batcher.Next());
  return batches;
}

torch::Tensor BatchLoss(Transformer& model, const Batch& batch, const BatchLossOptions& options) {
  const DeviceBatch on_device = ToDevice(batch, options.device);
  const Autocast autocast(options.device, options.precision);
  const auto encoder_output = model->Encode(on_device.source, on_device.src_padding_mask);
  const auto hidden =
      model->Decode(on_device.target_input, encoder_output, on_device.src_padding_mask);
  return ProjectedCrossEntropy(hidden, model->OutputWeight(), on_device.labels,
                               options.label_smoothing);
}

void Updater::Step(int64_t step, std::vector<Batch> batches) {
  const int64_t target_tokens = TargetTokens(batches);
  Optimizer& optimizer = trained_.optimizer();

  // Forward, loss and backward.
  loss_ = forward_backward_.Run(step, std::move(batches), [&] { optimizer.ZeroGradients(); });

  // A loss or gradient that is not finite must not reach the weights. Checking costs nothing on the
  // CPU. On a GPU it would have to wait, so the check stays on the device as `found_inf`.
  gradient_norm_ = optimizer.GradientNorm();
  const torch::Tensor is_finite = torch::isfinite(loss_ + gradient_norm_);
  tally_.Add(loss_, target_tokens, is_finite);
  torch::Tensor found_inf;
  if (device_.is_cpu()) {
    if (!is_finite.item<bool>()) return;
  } else {
    found_inf = is_finite.logical_not().to(torch::kFloat);
  }

  if (config_.clip_norm > 0) {
    optimizer.ClipGradients(gradient_norm_, config_.clip_norm, found_inf);
  }
  optimizer.Step(LearningRateAt(step, config_), found_inf);
  if (WeightAverage* average = trained_.average()) average->Update(step, found_inf);
}

torch::Tensor ForwardBackward::Run(int64_t step, std::vector<Batch> batches,
                                   const std::function<void()>& clear_gradients) {
  step_ = step;
  pieces_.clear();
  const auto update_tokens = static_cast<double>(TargetTokens(batches));
  torch::Tensor sum;
  HalvableWork<BatchPiece> job;
  job.work = [&](const BatchPiece& piece) {
    const torch::Tensor loss = LossOf(piece);
    // The mean is over the tokens of the whole update, however it is split.
    (loss / update_tokens).backward();
    const torch::Tensor value = loss.detach().to(torch::kDouble);
    sum = sum.defined() ? sum + value : value;
  };
  job.is_too_large = [&](const BatchPiece& piece) {
    return piece.batch->rows > 1 && oversized_.Contains(*piece.batch, piece.is_first);
  };
  job.halve = [&](const BatchPiece& piece) { return HalveOversized(piece); };
  // An interrupted backward pass leaves incomplete gradients.
  job.start_over = [&] {
    clear_gradients();
    sum.reset();
  };
  clear_gradients();
  try {
    pieces_ = WorkInHalves(WholeBatches(std::move(batches)), job);
  } catch (...) {
    clear_gradients();
    throw;
  }
  return sum;
}

void ForwardBackward::RepeatForward() {
  for (const BatchPiece& piece : pieces_) LossOf(piece);
}

torch::Tensor ForwardBackward::LossOf(const BatchPiece& piece) {
  torch::manual_seed(ForwardSeed(options_.seed, step_, piece));
  return BatchLoss(model_, *piece.batch, options_.loss);
}

std::pair<BatchPiece, BatchPiece> ForwardBackward::HalveOversized(const BatchPiece& piece) {
  const Batch& batch = *piece.batch;
  if (batch.rows == 1) {
    throw Failure(
        "step {}: a batch of a single pair, {} source and {} target tokens, does not fit {}; a "
        "smaller data.max_length or a smaller model does",
        WithThousands(step_), batch.source_length, batch.target_length, options_.memory_name);
  }
  if (oversized_.empty()) {
    spdlog::warn(
        "step {}: a batch of {} pairs, {} source and {} target tokens with padding, does not fit "
        "{}; batches of this size are done in halves, which gives the same gradient (so does a "
        "smaller training.batch_tokens with a larger training.gradient_accumulation)",
        WithThousands(step_), batch.rows, WithThousands(batch.rows * batch.source_length),
        WithThousands(batch.rows * batch.target_length), options_.memory_name);
  }
  oversized_.Add(batch, piece.is_first);
  return Halve(piece);
}

ForwardBackward::ForwardBackward(Transformer model, Options options)
    : model_(std::move(model)), options_(std::move(options)) {}

Updater::Updater(const Config& config, Transformer model, torch::Device device,
                 std::string memory_name)
    : config_(config.training),
      device_(device),
      trained_(config.training, model),
      forward_backward_(std::move(model),
                        {.loss = {.device = device,
                                  .precision = config.training.precision,
                                  .label_smoothing = config.training.label_smoothing},
                         .seed = static_cast<uint64_t>(config.seed),
                         .memory_name = std::move(memory_name)}),
      tally_(device) {}

std::string Updater::FindNotFinite() {
  if (!forward_backward_.CanRepeat()) return "its cause can no longer be found";
  return WhereNotFinite(*trained_.model(), loss_, [this] { forward_backward_.RepeatForward(); });
}

}  // namespace wavemt
