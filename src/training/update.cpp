// One update, from top to bottom: batches, forward, loss, backward, the check for numbers that are
// not finite, clipping, Adam, the moving average.
#include "training/update.h"

#include <utility>

#include "model/autocast.h"
#include "model/gradient_checkpoint.h"
#include "model/out_of_memory.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"
#include "training/device_batch.h"
#include "training/learning_rate_schedule.h"
#include "training/loss.h"
#include "training/non_finite.h"

namespace wavemt {

namespace {

// In the order of the forward pass.
std::vector<torch::Tensor> TrainedParameters(const TransformerImpl& model) {
  std::vector<torch::Tensor> parameters = model.parameters();
  std::erase_if(parameters, [](const torch::Tensor& p) { return !p.requires_grad(); });
  return parameters;
}

}  // namespace

torch::Tensor BatchLoss(Transformer& model, const Batch& batch, const BatchLossOptions& options) {
  DeviceBatch on_device = ToDevice(batch, options.device);
  if (options.r_drop_alpha > 0) on_device = Doubled(on_device);
  const Autocast autocast(options.device, options.precision);
  const GradientCheckpointing checkpointing(options.gradient_checkpointing);
  const auto encoder_output = model->Encode(on_device.source, on_device.src_padding_mask);
  const auto hidden =
      model->Decode(on_device.target_input, encoder_output, on_device.src_padding_mask);
  return ProjectedCrossEntropy(
      hidden, model->Output(), {.labels = on_device.labels, .weights = on_device.label_weights},
      {.label_smoothing = options.label_smoothing, .r_drop_alpha = options.r_drop_alpha});
}

void Updater::Step(int64_t step, UpdateBatches update) {
  const int64_t target_tokens = update.target_tokens;
  Optimizer& optimizer = trained_.optimizer();

  // Forward, loss and backward. The loss and the gradients are those of all ranks.
  loss_ = forward_backward_.Run(step, std::move(update), [&] { optimizer.ZeroGradients(); });

  trained_.PullToStart();

  // A loss or gradient that is not finite must not reach the weights. Checking costs nothing on the
  // CPU. On a GPU it would have to wait, so the check stays on the device as `found_inf`.
  gradient_norm_ = optimizer.GradientNorm();
  // Processors of different make round it differently, but all ranks must clip and skip alike.
  world_->Broadcast(gradient_norm_);
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

torch::Tensor ForwardBackward::Run(int64_t step, UpdateBatches update,
                                   const std::function<void()>& clear_gradients) {
  step_ = step;
  pieces_.clear();
  const auto update_tokens = static_cast<double>(update.target_tokens);
  torch::Tensor sum;
  Outcome outcome = Outcome::kDone;  // Of all ranks.
  HalvableWork<BatchPiece> job;
  job.work = [&](const BatchPiece& piece) {
    // The other ranks wait for this one's gradients, even if its memory runs out meanwhile.
    const auto finish = [&](Outcome own) {
      if (!piece.is_last) return;
      gradient_sum_.Finish();
      outcome = Agree(own);
    };
    try {
      const torch::Tensor loss = LossOf(piece);
      if (piece.is_last) gradient_sum_.Begin();
      // The mean is over the tokens of the whole update, however it is split.
      (loss / update_tokens).backward();
      const torch::Tensor value = loss.detach().to(torch::kDouble);
      sum = sum.defined() ? sum + value : value;
    } catch (const std::exception& error) {
      if (IsOutOfMemory(error)) finish(Outcome::kStartOver);
      if (outcome == Outcome::kFailed) FailTogether(nullptr);
      throw;
    }
    finish(Outcome::kDone);
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
    std::vector<BatchPiece> pieces = WorkInHalves(WholeBatches(std::move(update)), job);
    while (outcome == Outcome::kStartOver) {
      job.start_over();
      pieces = WorkInHalves(std::move(pieces), job);
    }
    if (outcome == Outcome::kFailed) FailTogether(nullptr);
    pieces_ = std::move(pieces);
  } catch (const Error&) {
    clear_gradients();
    if (outcome != Outcome::kFailed) FailTogether(std::current_exception());
    throw;
  } catch (...) {
    clear_gradients();
    throw;
  }
  options_.world->Sum(sum);
  return sum;
}

ForwardBackward::Outcome ForwardBackward::Agree(Outcome own) const {
  return static_cast<Outcome>(options_.world->Max(static_cast<int64_t>(own)));
}

void ForwardBackward::FailTogether(const std::exception_ptr& error) {
  if (options_.world->is_alone() || options_.world->is_broken()) return;
  if (error) {
    gradient_sum_.Finish();
    Agree(Outcome::kFailed);
  }
  options_.world->Together([&] {
    if (error) std::rethrow_exception(error);
  });
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
    : model_(std::move(model)),
      options_(std::move(options)),
      gradient_sum_(TrainedParameters(*model_), options_.world.get(), options_.sum) {}

Updater::Updater(const Config& config, Transformer model, torch::Device device)
    : Updater(config, std::move(model), device, Options()) {}

Updater::Updater(const Config& config, Transformer model, torch::Device device, Options options)
    : config_(config.training),
      device_(device),
      world_(options.world),
      trained_(config.training, model, options.world),
      forward_backward_(std::move(model),
                        {.loss = {.device = device,
                                  .precision = config.training.precision,
                                  .label_smoothing = config.training.label_smoothing,
                                  .r_drop_alpha = config.training.r_drop.alpha,
                                  .gradient_checkpointing = config.training.gradient_checkpointing},
                         .seed = static_cast<uint64_t>(config.seed),
                         .memory_name = std::move(options.memory_name),
                         .world = options.world,
                         .sum = {.precision = config.training.all_reduce_precision}}),
      tally_(device) {}

std::string Updater::FindNotFinite() {
  if (!forward_backward_.CanRepeat()) return "its cause can no longer be found";
  return WhereNotFinite(*trained_.model(), loss_, [this] { forward_backward_.RepeatForward(); });
}

}  // namespace wavemt
