#include "training/average_maker.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/tensor_mean.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"
#include "training/applied_weights.h"
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

AverageMaker::Result AverageMaker::Make(const TrainingState& state,
                                        const std::function<bool()>& stop_requested) {
  World& world = *inputs_.world;
  std::vector<BestScore> of = validator_.best().all();
  if (of.size() < kFewest) {
    spdlog::info("training.average_best: no average is made: of the best checkpoints, {} was kept",
                 of.empty() ? "none" : "only one");
    return Result::kNone;
  }
  // The sum of numbers depends on their order in the last bit.
  std::ranges::sort(of, {}, &BestScore::step);
  bool is_made = false;
  world.OnFirst([&] { is_made = IsMade(of); });
  if (!world.AnyOf(is_made)) {
    NamedTensors mean;
    world.OnFirst([&] { mean = MeanOf(&of); });
    if (!world.AnyOf(!mean.empty())) return Result::kNone;
    const auto sets = Measure(mean, stop_requested);
    if (!sets) return Result::kStopped;
    world.OnFirst([&] {
      AverageOfBest average{.of = of};
      for (const NamedScore& score : NamedScoresOf(*sets)) {
        average.scores.emplace_back(score.name, score.value);
      }
      Write(average, std::move(mean), state);
    });
  }
  bool is_best = false;
  world.OnFirst([&] { is_best = Choose(); });
  return world.AnyOf(is_best) ? Result::kBest : Result::kMade;
}

bool AverageMaker::IsMade(const std::vector<BestScore>& of) const {
  const fs::path folder = inputs_.run->AveragePath();
  if (RunDirectory::IsAt(folder)) {
    throw UsageError(
        "{}: is a run, but has the name of the average that training.average_best makes; move it "
        "elsewhere",
        folder.string());
  }
  if (!HasCheckpointState(folder)) return false;
  try {
    VerifyCheckpointModel(folder);
    // The base of an adapter may have moved since.
    const Json adapter = HasAdapter(folder) ? ReadJson(folder / kAdapterInfoFile) : Json();
    return adapter == inputs_.adapter && ReadAverage(folder).of == of;
  } catch (const Error& error) {
    spdlog::warn("{}; the average is made again", error.what());
    return false;
  }
}

NamedTensors AverageMaker::MeanOf(std::vector<BestScore>* of) const {
  TensorMean mean;
  std::erase_if(*of, [&](const BestScore& score) {
    const fs::path checkpoint = inputs_.run->CheckpointPath(score.step);
    try {
      mean.Add(ReadCheckpointModel(checkpoint), checkpoint.string());
      return false;
    } catch (const Error& error) {
      spdlog::warn("{}; the average is made without this checkpoint", error.what());
      return true;
    }
  });
  if (of->size() >= kFewest) return mean.Take();
  spdlog::warn("training.average_best: no average is made: it needs two checkpoints at least");
  return {};
}

std::optional<std::vector<SetScores>> AverageMaker::Measure(
    const NamedTensors& mean, const std::function<bool()>& stop_requested) {
  World& world = *inputs_.world;
  NamedTensors weights;
  for (const auto& [name, tensor] : trained_.SavedState()) {
    weights[name] = torch::empty_like(tensor.detach());
  }
  world.OnFirst([&] { CopyTensors(mean, weights, "the average of the best checkpoints"); });
  for (const auto& [name, tensor] : weights) world.Broadcast(tensor);
  // Not with the moving average, which the checkpoints hold already.
  const AppliedWeights applied(trained_.SavedState(), weights);
  return validator_.MeasureAsItIs(trained_.model(), stop_requested);
}

void AverageMaker::Write(const AverageOfBest& average, NamedTensors mean,
                         const TrainingState& state) const {
  Json json = ToJson(state);
  AddToState(average, &json);
  WriteModelCheckpoint(
      inputs_.run->AveragePath(),
      {.model = std::move(mean), .state = std::move(json), .adapter = inputs_.adapter});
}

bool AverageMaker::Choose() const {
  const RunDirectory& run = *inputs_.run;
  const ValidationMetric metric = config_.training.best_metric;
  const AverageOfBest average = ReadAverage(run.AveragePath());
  const BestScore& best = validator_.best().all().front();
  const std::optional<BestScore> score = ScoreOfAverage(average, metric);
  const bool is_best = score && IsBetter(*score, best, metric);
  if (is_best) run.SetBestToAverage();
  spdlog::info("the average of the checkpoints of steps {} has {}: {}", StepsText(average),
               ScoresText(average, metric),
               is_best ? "it is the best model"
                       : fmt::format("the checkpoint of step {} stays the best model",
                                     WithThousands(best.step)));
  return is_best;
}

}  // namespace wavemt
