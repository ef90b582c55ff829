#include "training/profile.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "data/batcher.h"
#include "model/best_time.h"
#include "support/logging.h"
#include "support/progress.h"
#include "training/memory_budget.h"
#include "training/skipped_steps.h"
#include "training/step_profiler.h"
#include "training/trainer.h"
#include "training/update.h"

namespace wavemt {

std::string ProfileUpdates(const Config& config, const TrainingInputs& inputs, int64_t warmup_steps,
                           int64_t steps) {
  Batcher batcher(inputs.train, BatcherOptions(config, inputs.tokenizers));
  World& world = *inputs.world;
  Updater updater(config, inputs.model, inputs.device,
                  {.memory_name = inputs.memory_limit.Description(inputs.device.is_cuda()),
                   .world = inputs.world});
  SkippedSteps skipped_steps(config.training.max_skipped_steps, /*run=*/std::nullopt);
  MemoryBudget::Enforce(inputs.memory_limit, /*before=*/{}, BytesOf(updater.trained().parameters()),
                        world);
  updater.trained().model()->train();

  int64_t step = 0;
  double seconds_of_sums = 0;
  double waited = 0;
  // Returns the number of target tokens in `count` updates.
  const auto train = [&](int64_t count) {
    int64_t tokens = 0;
    for (const int64_t last = step + count; step < last;) {
      UpdateBatches update = NextBatches(batcher, config.training.gradient_accumulation, world);
      tokens += update.target_tokens;
      updater.Step(++step, std::move(update));
      seconds_of_sums += updater.sum_cost().seconds;
      waited += updater.sum_cost().waited;
      if (inputs.device.is_cpu()) {
        skipped_steps.Report(updater.tally().Read(), step, [&] { return updater.FindNotFinite(); });
      }
    }
    return tokens;
  };

  train(warmup_steps);
  std::string as_trained;
  if (inputs.device.is_cuda()) {
    // Profiling slows down a GPU, so the speed of training is measured first.
    int64_t tokens = 0;
    const double seconds = BestSeconds(/*rounds=*/1, inputs.device, [&] { tokens = train(steps); });
    as_trained = fmt::format(
        "a training step takes {:.1f} ms: {} target tokens/s; the table below waits for each "
        "operation\n\n",
        1e3 * seconds / static_cast<double>(steps),
        WithThousands(static_cast<int64_t>(static_cast<double>(tokens) / seconds)));
  }
  seconds_of_sums = waited = 0;
  const StepProfiler profiler(inputs.device);
  const int64_t tokens = train(steps);
  if (!world.is_alone()) {
    as_trained += fmt::format("{} processes; each sends gradients of {} a step", world.size(),
                              HumanBytes(static_cast<double>(updater.sum_cost().bytes)));
    // A GPU does not say when a sum is complete.
    if (inputs.device.is_cpu()) {
      as_trained +=
          fmt::format(", which takes {:.1f} ms, {:.0f}% of it while the backward pass runs",
                      1e3 * seconds_of_sums / static_cast<double>(steps),
                      100 * std::max(1 - waited / seconds_of_sums, 0.0));
    }
    as_trained += "\n\n";
  }
  return as_trained + profiler.Report({.steps = steps,
                                       .target_tokens = tokens,
                                       .numbers = config.training.precision == Precision::kBf16
                                                      ? torch::kBFloat16
                                                      : torch::kFloat});
}

}  // namespace wavemt
