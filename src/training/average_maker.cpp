#include "training/average_maker.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/tensor_mean.h"
#include "model/out_of_memory.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"
#include "training/average_of_best.h"
#include "training/named_scores.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr size_t kFewest = 2;

AverageOfBest ReadAverage(const fs::path& folder) {
  const std::string origin = (folder / kStateFile).string();
  auto average = AverageOfState(ReadCheckpointState(folder), origin);
  if (!average) throw UsageError("{}: does not say which checkpoints it comes from", origin);
  return *std::move(average);
}

}  // namespace

bool AverageMaker::Make(const TrainingState& state, const std::function<bool()>& stop_requested) {
  const auto say = [&](std::string_view what) {
    return fmt::format(
        "{}; the training itself is done and saved: `wavemt resume {}` makes the average of its "
        "best checkpoints",
        what, inputs_.run->path().string());
  };
  try {
    return MakeIfMissing(state, stop_requested);
  } catch (const Error& error) {
    throw Error(error.kind(), say(error.what()));
  } catch (const std::exception& error) {
    if (!IsOutOfMemory(error)) throw;
    throw Failure("{}",
                  say(fmt::format("the average does not fit {}",
                                  inputs_.memory_limit.Description(inputs_.device.is_cuda()))));
  }
}

bool AverageMaker::MakeIfMissing(const TrainingState& state,
                                 const std::function<bool()>& stop_requested) {
  World& world = *inputs_.world;
  std::vector<BestScore> checkpoints = validator_.best().all();
  if (checkpoints.size() < kFewest) {
    spdlog::info(
        "no average is made: fewer than two checkpoints have comparable scores; `wavemt average` "
        "takes those that you name");
    return true;
  }
  // The sum of numbers depends on their order in the last bit.
  std::ranges::sort(checkpoints, {}, &BestScore::step);
  bool is_made = false;
  world.OnFirst([&] {
    inputs_.run->RequireAverageIsOurs();
    is_made = IsMade(state.step, checkpoints);
  });
  if (!world.AnyOf(is_made)) {
    // The mean is summed in their place. The last checkpoint has all that they held.
    trained_.optimizer().Free();
    bool has_mean = false;
    world.OnFirst([&] { has_mean = TakeMean(&checkpoints); });
    if (!world.AnyOf(has_mean)) return true;
    trained_.TakeFromFirst(world);
    const auto sets = validator_.Measure(trained_.model(), stop_requested);
    if (!sets) return false;
    world.OnFirst([&] { Write(checkpoints, *sets, state); });
  }
  world.OnFirst([&] { Choose(); });
  return true;
}

bool AverageMaker::IsMade(int64_t step, const std::vector<BestScore>& checkpoints) const {
  const fs::path folder = inputs_.run->AveragePath();
  if (!HasCheckpointState(folder)) return false;
  try {
    VerifyCheckpointModel(folder);
    // The base of an adapter may have moved since.
    const Json adapter = HasAdapter(folder) ? ReadJson(folder / kAdapterInfoFile) : Json();
    return adapter == inputs_.adapter && StepOfCheckpoint(folder) == step &&
           ReadAverage(folder).checkpoints == checkpoints;
  } catch (const Error& error) {
    spdlog::warn("{}; the average is made again", error.what());
    return false;
  }
}

bool AverageMaker::TakeMean(std::vector<BestScore>* checkpoints) const {
  TensorMean mean;
  std::erase_if(*checkpoints, [&](const BestScore& score) {
    const fs::path checkpoint = inputs_.run->CheckpointPath(score.step);
    try {
      mean.Add(ReadCheckpointModel(checkpoint), checkpoint.string());
      return false;
    } catch (const Error& error) {
      spdlog::warn("{}; the average is made without this checkpoint", error.what());
      return true;
    }
  });
  if (checkpoints->size() < kFewest) {
    spdlog::warn("no average is made: fewer than two of the best checkpoints can be read");
    // The run's best model must not be one that cannot.
    if (!checkpoints->empty()) inputs_.run->SetBest(checkpoints->front().step);
    return false;
  }
  CopyTensors(mean.Take(), trained_.SavedState(), "the average of the best checkpoints");
  return true;
}

void AverageMaker::Write(const std::vector<BestScore>& checkpoints,
                         const std::vector<SetScores>& sets, const TrainingState& state) const {
  Json json = ToJson(state);
  AddToState({.checkpoints = checkpoints, .scores = NamedScoresOf(sets)}, &json);
  WriteModelCheckpoint(
      inputs_.run->AveragePath(),
      {.model = trained_.SavedState(), .state = std::move(json), .adapter = inputs_.adapter});
}

void AverageMaker::Choose() const {
  const RunDirectory& run = *inputs_.run;
  const ValidationMetric metric = config_.training.best_metric;
  const AverageOfBest average = ReadAverage(run.AveragePath());
  // Not the best of the training, which may be damaged.
  const BestScore best = BestCheckpoint(average, metric);
  const std::optional<BestScore> score = ScoreOfAverage(average, metric);
  const bool is_best = score && IsBetter(*score, best, metric);
  if (is_best) {
    run.SetBestToAverage();
  } else {
    run.SetBest(best.step);
  }
  spdlog::info("the average of the checkpoints of steps {} has {}: {}", StepsText(average),
               ScoresText(average, metric),
               is_best ? "it is the best model"
                       : fmt::format("the checkpoint of step {} is still the best model",
                                     WithThousands(best.step)));
}

}  // namespace wavemt
