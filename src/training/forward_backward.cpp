#include "training/forward_backward.h"

#include <utility>

#include "data/batch_halves.h"
#include "model/out_of_memory.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"
#include "support/random.h"

namespace wavemt {
namespace {

constexpr uint64_t kDropout = 102;  // What a seed that is derived from the run's seed is for.

}  // namespace

ForwardBackward::ForwardBackward(Transformer model, Options options)
    : model_(std::move(model)), options_(std::move(options)) {}

torch::Tensor ForwardBackward::Run(int64_t step, std::span<const Batch> batches,
                                   const std::function<void()>& clear_gradients) {
  const int64_t update_tokens = TargetTokens(batches);
  Plan plan = MakePlan(batches);
  while (true) {
    clear_gradients();
    torch::Tensor sum;
    size_t done = 0;
    const bool fits = FitsMemory([&] {
      sum = torch::zeros({}, torch::TensorOptions(options_.loss.device).dtype(torch::kDouble));
      for (; done < plan.parts.size(); ++done) {
        const torch::Tensor loss = LossOf(step, plan.parts[done]);
        // The mean over the tokens of the whole update, whatever parts they came in.
        (loss / static_cast<double>(update_tokens)).backward();
        sum += loss.detach();
      }
    });
    if (fits) return sum;
    // A backward pass that was cut short has left a part of its gradient: all of it is done anew.
    NoteOversized(step, plan, done);
    Split(&plan, done);
    SplitAsKnown(&plan, done);
  }
}

void ForwardBackward::Forward(int64_t step, std::span<const Batch> batches) {
  for (const Part& part : MakePlan(batches).parts) LossOf(step, part);
}

ForwardBackward::Plan ForwardBackward::MakePlan(std::span<const Batch> batches) const {
  Plan plan;
  for (const Batch& batch : batches) {
    plan.parts.push_back({.batch = &batch, .batch_number = plan.parts.size()});
  }
  SplitAsKnown(&plan, 0);
  return plan;
}

// Splits what is known not to fit, from part `first` on.
void ForwardBackward::SplitAsKnown(Plan* plan, size_t first) const {
  if (oversized_.empty()) return;
  for (size_t i = first; i < plan->parts.size(); ++i) {
    while (plan->parts[i].batch->rows > 1 &&
           oversized_.Contains(*plan->parts[i].batch, /*is_first=*/i == 0)) {
      Split(plan, i);
    }
  }
}

void ForwardBackward::Split(Plan* plan, size_t index) {
  const Part whole = plan->parts[index];
  auto [first, second] = Halves(*whole.batch);
  plan->halves.push_back(std::move(first));
  plan->parts[index] = {
      .batch = &plan->halves.back(), .batch_number = whole.batch_number, .node = 2 * whole.node};
  plan->halves.push_back(std::move(second));
  plan->parts.insert(plan->parts.begin() + static_cast<std::ptrdiff_t>(index) + 1,
                     {.batch = &plan->halves.back(),
                      .batch_number = whole.batch_number,
                      .node = 2 * whole.node + 1});
}

torch::Tensor ForwardBackward::LossOf(int64_t step, const Part& part) {
  const uint64_t seed =
      DeriveSeed(options_.seed, {kDropout, static_cast<uint64_t>(step), part.batch_number});
  torch::manual_seed(part.node == 1 ? seed : DeriveSeed(seed, {part.node}));
  return BatchLoss(model_, *part.batch, options_.loss);
}

void ForwardBackward::NoteOversized(int64_t step, const Plan& plan, size_t index) {
  const Batch& batch = *plan.parts[index].batch;
  if (batch.rows == 1) {
    throw Failure(
        "step {}: a batch of a single pair, {} source and {} target tokens, does not fit {}; a "
        "smaller data.max_length or a smaller model does",
        WithThousands(step), batch.source_length, batch.target_length, options_.memory_name);
  }
  if (oversized_.empty()) {
    spdlog::warn(
        "step {}: a batch of {} pairs, {} source and {} target tokens with padding, does not fit "
        "{}; batches as large as that are done in halves, which gives the same gradient (so do a "
        "smaller training.batch_tokens and a larger training.gradient_accumulation)",
        WithThousands(step), batch.rows, WithThousands(batch.rows * batch.source_length),
        WithThousands(batch.rows * batch.target_length), options_.memory_name);
  }
  oversized_.Add(batch, /*is_first=*/index == 0);
}

}  // namespace wavemt
