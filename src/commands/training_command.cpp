#include "commands/training_command.h"

#include <optional>
#include <string>

#include "commands/training_summary.h"
#include "evaluation/bleu.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/memory.h"
#include "support/progress.h"
#include "support/signals.h"

namespace wavemt {
namespace {

void AddTimeLimitOption(CLI::App* command, double* max_minutes) {
  constexpr double kAYear = 525'600;
  command
      ->add_option("--max-minutes", *max_minutes,
                   "Stop in time to have written a checkpoint this long after the start, for a "
                   "scheduler's limit; the exit code is 0, and `wavemt resume` continues.")
      ->type_name("MINUTES")
      ->check(CLI::Range(1e-3, kAYear));
}

void AddMemoryLimitOption(CLI::App* command, int64_t* bytes) {
  const auto parse = [bytes](const std::string& text) {
    const std::optional<int64_t> size = ParseMemorySize(text);
    if (!size || *size == 0) {
      throw UsageError("--memory-limit {}: not a size; write 8GB, 512MB or 2.5GiB", text);
    }
    *bytes = *size;
  };
  command
      ->add_option_function<std::string>(
          "--memory-limit", parse,
          "Memory that the process may use on the CPU, for example 8GB or 512MiB; a batch that "
          "does not fit is done in halves, with the same gradient. Default: no limit.")
      ->type_name("SIZE");
}

// Says if the translations of a training that is done are too short, which another search may mend.
void SayHowShort(const TrainingJob& job, const TrainingOutcome& outcome) {
  constexpr double kShort = 0.95;
  const double penalty = outcome.brevity_penalty.value_or(1);
  if (penalty >= kShort) return;
  spdlog::info(
      "the translations of {} are {:.0f}% shorter than the references (brevity penalty {:.2f}); "
      "`wavemt tune {}` looks for a better beam size and length penalty",
      job.inputs.validation_sets.front().description, 100 * (1 - LengthRatioOf(penalty)), penalty,
      job.inputs.run->path().string());
}

// "; best: step 2,000", to follow how a training ended: what `translate` opens now.
std::string BestModelText(const RunDirectory& run) {
  if (run.BestIsAverage()) {
    return fmt::format("; best: the average of the best checkpoints, {}",
                       run.AveragePath().string());
  }
  const std::optional<int64_t> step = run.BestStep();
  return step ? fmt::format("; best: step {}", WithThousands(*step)) : "";
}

}  // namespace

void AddTrainingOptions(CLI::App* command, TrainingOptions* options) {
  AddComputeOptions(command, &options->compute);
  AddTimeLimitOption(command, &options->max_minutes);
  AddMemoryLimitOption(command, &options->memory_limit);
}

TrainingResources ResourcesOf(const TrainingOptions& options) {
  KeepFreedMemory();  // Before anything large is allocated.
  TrainingResources resources{.compute = options.compute, .memory_limit = options.memory_limit};
  if (options.max_minutes > 0) {
    const std::chrono::duration<double, std::ratio<60>> minutes(options.max_minutes);
    resources.deadline =
        options.start + std::chrono::duration_cast<std::chrono::steady_clock::duration>(minutes);
  }
  return resources;
}

int ReportOutcome(const TrainingJob& job, const TrainingOutcome& outcome) {
  const TrainingState& state = outcome.state;
  const std::string run = job.inputs.run->path().string();
  const std::string step = WithThousands(state.step);
  // The other ranks need not see the run's folder.
  const std::string best = job.inputs.world->is_first() ? BestModelText(*job.inputs.run) : "";
  if (IsDone(outcome.reason)) {
    if (job.inputs.world->is_first()) LogTrainingSummary(job, outcome);
    SayHowShort(job, outcome);
  }
  switch (outcome.reason) {
    case StopReason::kSignal:
      spdlog::info("stopped by a signal at step {}; `wavemt resume {}` continues from there", step,
                   run);
      return ExitCodeOfSignal(outcome.signal);
    case StopReason::kTimeLimit:
      spdlog::info("stopped by --max-minutes at step {}; `wavemt resume {}` continues from there",
                   step, run);
      return 0;
    case StopReason::kMaxSteps:
      spdlog::info("done: training.max_steps = {} reached{}; the run is in {}", step, best, run);
      return 0;
    case StopReason::kMaxEpochs:
      spdlog::info("done: training.max_epochs = {} reached at step {}{}; the run is in {}",
                   job.config.training.max_epochs, step, best, run);
      return 0;
    case StopReason::kPatience:
      spdlog::info("done: {} validations without a better one, at step {}{}; the run is in {}",
                   state.validations_without_best, step, best, run);
      return 0;
  }
  return 0;
}

}  // namespace wavemt
