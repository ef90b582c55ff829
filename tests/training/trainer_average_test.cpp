// training.average_best: which checkpoints a training keeps, and what it makes of them at its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "support/error.h"
#include "trainer_fixture.h"
#include "training/average_of_best.h"

namespace wavemt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kLastStep = 12;

class TrainerAverageTest : public TrainerFixture {
 protected:
  // Validates every second step: six times, and then the average.
  static Config AverageConfig() {
    Config config = SmallConfig();
    config.training.best_metric = ValidationMetric::kBleu;
    config.training.max_steps = kLastStep;
    config.training.validate_every = 2;
    config.training.keep_last = 1;
    config.training.average_best = 3;
    return config;
  }

  // The BLEU of the validations, one after the other. A missing one interrupts the validation.
  RunSetup WithScores(const std::vector<std::optional<double>>& scores,
                      std::optional<int64_t> restore_step = {}) const {
    return {.valid = &corpus_,
            .score_translations =
                [scores, next = size_t{0}](const auto&) mutable -> std::optional<ValidationScores> {
              const std::optional<double> score = scores.at(next++);
              if (!score) return std::nullopt;
              return ValidationScores{.bleu = *score, .bleu_signature = "test"};
            },
            .restore_step = restore_step,
            .weights_seed = restore_step ? uint64_t{99} : uint64_t{1}};
  }

  // As `wavemt resume` begins.
  Outcome Resume(const std::string& name, const Config& config,
                 const std::vector<std::optional<double>>& scores) {
    const RunDirectory run = RunDirectory::Open(folder_.path() / name);
    const std::optional<int64_t> step = run.NewestWholeStep();
    const TrainingState state =
        TrainingStateFromJson(ReadCheckpointState(run.CheckpointPath(*step)), "state.json");
    run.RepairPointers(*step, state.best_score ? std::optional(state.best_step) : std::nullopt);
    return Train(name, config, WithScores(scores, step));
  }

  static AverageOfBest AverageOf(const RunDirectory& run) {
    const auto average = AverageOfState(ReadCheckpointState(run.AveragePath()), "state.json");
    return average.value();
  }

  static std::vector<int64_t> StepsOf(const std::vector<BestScore>& scores) {
    std::vector<int64_t> steps;
    for (const BestScore& score : scores) steps.push_back(score.step);
    return steps;
  }

  static std::string AverageBytes(const RunDirectory& run) {
    return ReadFile(run.AveragePath() / kModelFile);
  }

  static void ExpectIsMean(const RunDirectory& run, const std::vector<int64_t>& steps) {
    const NamedTensors average = ReadCheckpointModel(run.AveragePath());
    NamedTensors sums;
    for (const int64_t step : steps) {
      for (const auto& [name, tensor] : ReadCheckpointModel(run.CheckpointPath(step))) {
        sums[name] = sums.contains(name) ? sums[name] + tensor.to(torch::kDouble)
                                         : tensor.to(torch::kDouble);
      }
    }
    ASSERT_EQ(average.size(), sums.size());
    for (const auto& [name, sum] : sums) {
      const torch::Tensor mean = sum / static_cast<double>(steps.size());
      EXPECT_LT((average.at(name) - mean).abs().max().item<double>(), 1e-6) << name;
    }
    // The checkpoints differ, or this would show nothing.
    EXPECT_FALSE(torch::equal(average.at("encoder.layers.0.feed_forward.in_proj.weight"),
                              ReadCheckpointModel(run.CheckpointPath(steps.front()))
                                  .at("encoder.layers.0.feed_forward.in_proj.weight")));
  }

  Config config_ = AverageConfig();
};

TEST_F(TrainerAverageTest, TheBestCheckpointsStayBesidesTheNewest) {
  config_.training.save_every = 4;
  const Outcome outcome = Train("run", config_, WithScores({10, 30, 20, 5, 25, 1, 0}));
  EXPECT_THAT(outcome.run.CheckpointSteps(), ElementsAre(4, 6, 10, 12));
  EXPECT_EQ(outcome.state.best_step, 4);
  EXPECT_THAT(StepsOf(outcome.state.next_best), ElementsAre(10, 6));
  EXPECT_EQ(outcome.run.LatestStep(), 12);
  // What the last checkpoint says is what the training knows.
  const TrainingState state =
      TrainingStateFromJson(ReadCheckpointState(outcome.run.CheckpointPath(12)), "state.json");
  EXPECT_EQ(state.next_best, outcome.state.next_best);
}

TEST_F(TrainerAverageTest, OneOfTheBestIsSavedThoughNoneIsDue) {
  config_.training.average_best = 2;
  const Outcome outcome = Train("run", config_, WithScores({30, 10, 5, 20, 15, 1, 0}));
  // Steps 6, 10 and 12 were not among the two best, but 12 is the last.
  EXPECT_THAT(outcome.run.CheckpointSteps(), ElementsAre(2, 8, 12));
  EXPECT_EQ(outcome.run.BestStep(), 2);
}

TEST_F(TrainerAverageTest, WithoutItOnlyTheBestOneStays) {
  config_.training.average_best = 0;
  const Outcome outcome = Train("run", config_, WithScores({10, 30, 20, 5, 25, 1}));
  EXPECT_THAT(outcome.run.CheckpointSteps(), ElementsAre(4, 12));
  EXPECT_TRUE(outcome.state.next_best.empty());
  EXPECT_FALSE(std::filesystem::exists(outcome.run.AveragePath()));
}

TEST_F(TrainerAverageTest, TheMeanOfTheBestIsTheBestModelIfItsScoreIsBetter) {
  const Outcome outcome = Train("run", config_, WithScores({10, 30, 20, 5, 25, 1, 31}));
  EXPECT_EQ(outcome.reason, StopReason::kMaxSteps);
  ExpectIsMean(outcome.run, {4, 6, 10});
  EXPECT_TRUE(outcome.run.BestIsAverage());
  EXPECT_EQ(outcome.run.LatestStep(), 12);
  EXPECT_EQ(LocateModel(outcome.run.path()).checkpoint, outcome.run.AveragePath());
  const AverageOfBest average = AverageOf(outcome.run);
  EXPECT_THAT(StepsOf(average.checkpoints), ElementsAre(4, 6, 10));
  EXPECT_EQ(average.checkpoints[1].score, 20.0);
  EXPECT_EQ(ScoreOfAverage(average, ValidationMetric::kBleu)->score, 31.0);
  // Nothing of the training's own is different for it.
  EXPECT_EQ(outcome.state.best_step, 4);
  EXPECT_EQ(outcome.state.best_score, 30.0);
  EXPECT_EQ(Metrics(outcome.run).size(), 6U);
}

TEST_F(TrainerAverageTest, TheBestCheckpointIsStillTheBestModelIfTheMeanIsNotBetter) {
  const Outcome outcome = Train("run", config_, WithScores({10, 30, 20, 5, 25, 1, 29.9}));
  ExpectIsMean(outcome.run, {4, 6, 10});
  EXPECT_FALSE(outcome.run.BestIsAverage());
  EXPECT_EQ(outcome.run.BestStep(), 4);
  EXPECT_EQ(LocateModel(outcome.run.path()).checkpoint, outcome.run.CheckpointPath(4));
}

TEST_F(TrainerAverageTest, ItsLossIsThatOfTheMeanItself) {
  const Outcome outcome = Train("run", config_, WithScores({10, 30, 20, 5, 25, 1, 31}));
  const SpecialTokens& special = CopyTaskTokenizers().source->special();
  Transformer model = outcome.model;
  CopyTensors(ReadCheckpointModel(outcome.run.AveragePath()), StateOf(*model), "average");
  const std::optional<double> loss = ValidationLoss(model, corpus_, torch::kCPU,
                                                    {.batch_tokens = config_.training.batch_tokens,
                                                     .precision = Precision::kFp32,
                                                     .source_special = special,
                                                     .target_special = special});
  ASSERT_TRUE(loss);
  EXPECT_NEAR(ScoreOfAverage(AverageOf(outcome.run), ValidationMetric::kLoss)->score, *loss, 1e-6);
}

// Of each checkpoint, the moving average is what is saved and averaged. What is measured at the end
// is that mean itself, and the training was what it is without it.
TEST_F(TrainerAverageTest, WithAMovingAverageNothingIsPutOverTheMean) {
  config_.training.ema_decay = 0.5;
  torch::Tensor weight;  // Of the model.
  std::vector<torch::Tensor> measured;
  RunSetup setup = WithScores({10, 30, 20, 5, 25, 1, 31});
  setup.before_training = [&](TransformerImpl& model) {
    weight = model.named_parameters()["encoder.layers.0.feed_forward.in_proj.weight"];
  };
  setup.score_translations = [&, score = setup.score_translations](const auto& stop) {
    measured.push_back(weight.detach().clone());
    return score(stop);
  };
  const Outcome outcome = Train("run", config_, setup);
  ExpectIsMean(outcome.run, {4, 6, 10});
  ASSERT_EQ(measured.size(), 7U);
  const std::string name = "encoder.layers.0.feed_forward.in_proj.weight";
  EXPECT_TRUE(
      torch::equal(measured.back(), ReadCheckpointModel(outcome.run.AveragePath()).at(name)));
  EXPECT_TRUE(
      torch::equal(measured[1], ReadCheckpointModel(outcome.run.CheckpointPath(4)).at(name)));
  config_.training.average_best = 0;
  const Outcome without = Train("without", config_, WithScores({10, 30, 20, 5, 25, 1}));
  for (const std::string_view file : {kModelFile, kOptimizerFile}) {
    EXPECT_EQ(Bytes(outcome.run, kLastStep, file), Bytes(without.run, kLastStep, file));
  }
}

TEST_F(TrainerAverageTest, FewerThanTwoHaveNone) {
  config_.training.max_steps = 2;
  const Outcome outcome = Train("run", config_, WithScores({10}));
  EXPECT_EQ(outcome.reason, StopReason::kMaxSteps);
  EXPECT_EQ(outcome.run.BestStep(), 2);
  EXPECT_FALSE(std::filesystem::exists(outcome.run.AveragePath()));
}

TEST_F(TrainerAverageTest, PatienceEndsATrainingForGoodToo) {
  config_.training.patience = 2;
  config_.training.max_steps = 1000;
  const Outcome outcome = Train("run", config_, WithScores({10, 30, 20, 5, 31}));
  EXPECT_EQ(outcome.reason, StopReason::kPatience);
  ExpectIsMean(outcome.run, {2, 4, 6});
  EXPECT_TRUE(outcome.run.BestIsAverage());
}

TEST_F(TrainerAverageTest, ATrainingThatIsStoppedHasNoneYet) {
  // The third validation is interrupted.
  const Outcome outcome = Train("run", config_, WithScores({10, 30, {}}));
  EXPECT_EQ(outcome.reason, StopReason::kTimeLimit);
  EXPECT_EQ(outcome.state.step, 6);
  EXPECT_EQ(outcome.state.best_step, 4);
  EXPECT_THAT(StepsOf(outcome.state.next_best), ElementsAre(2));
  EXPECT_FALSE(std::filesystem::exists(outcome.run.AveragePath()));
}

TEST_F(TrainerAverageTest, AFinishedRunThatIsResumedMakesNothingAnew) {
  const Outcome whole = Train("run", config_, WithScores({10, 30, 20, 5, 25, 1, 31}));
  const std::string manifest = ReadFile(whole.run.AveragePath() / kManifestFile);
  const Outcome again = Resume("run", config_, {});  // No validation at all.
  EXPECT_EQ(again.reason, StopReason::kMaxSteps);
  EXPECT_EQ(ReadFile(again.run.AveragePath() / kManifestFile), manifest);
  EXPECT_TRUE(again.run.BestIsAverage());
}

// It was killed after its last checkpoint, or the average was damaged since.
TEST_F(TrainerAverageTest, AnAverageThatIsMissingOrDamagedIsMadeByResume) {
  const Outcome whole = Train("run", config_, WithScores({10, 30, 20, 5, 25, 1, 31}));
  const std::string bytes = AverageBytes(whole.run);
  folder_.Write("run/checkpoints/average/model.safetensors", bytes.substr(1));
  whole.run.SetBest(4);
  const Outcome mended = Resume("run", config_, {31});
  EXPECT_EQ(AverageBytes(mended.run), bytes);
  EXPECT_TRUE(mended.run.BestIsAverage());
  std::filesystem::remove_all(whole.run.AveragePath());
  const Outcome made = Resume("run", config_, {29});
  EXPECT_EQ(AverageBytes(made.run), bytes);
  EXPECT_EQ(made.run.BestStep(), 4);
}

TEST_F(TrainerAverageTest, IfItsValidationIsInterruptedResumeMakesIt) {
  const Outcome whole = Train("whole", config_, WithScores({10, 30, 20, 5, 25, 1, 31}));
  const Outcome stopped = Train("stopped", config_, WithScores({10, 30, 20, 5, 25, 1, {}}));
  EXPECT_EQ(stopped.reason, StopReason::kTimeLimit);
  EXPECT_FALSE(std::filesystem::exists(stopped.run.AveragePath()));
  EXPECT_EQ(stopped.run.BestStep(), 4);
  const Outcome resumed = Resume("stopped", config_, {31});
  EXPECT_EQ(resumed.reason, StopReason::kMaxSteps);
  EXPECT_EQ(AverageBytes(resumed.run), AverageBytes(whole.run));
  EXPECT_TRUE(resumed.run.BestIsAverage());
}

TEST_F(TrainerAverageTest, ATrainingThatWasStoppedHasTheSameOne) {
  config_.model.dropout = 0.2;
  const Outcome whole = Train("whole", config_, WithScores({10, 30, 20, 5, 25, 1, 31}));
  // At these steps, the list of the best is not full, full, and full of others.
  for (const int64_t steps : {4, 6, 10}) {
    SCOPED_TRACE(steps);
    const std::string name = "stopped" + std::to_string(steps);
    const std::vector<std::optional<double>> all = {10, 30, 20, 5, 25, 1, 31};
    const auto middle = all.begin() + steps / 2;
    Config half = config_;
    half.training.max_steps = steps;
    // Its own average is another one, which must leave no trace.
    std::vector<std::optional<double>> scores(all.begin(), middle);
    scores.emplace_back(99);
    EXPECT_TRUE(Train(name, half, WithScores(scores)).run.BestIsAverage());
    const Outcome resumed = Resume(name, config_, {middle, all.end()});
    EXPECT_EQ(AverageBytes(resumed.run), AverageBytes(whole.run));
    EXPECT_EQ(AverageOf(resumed.run).checkpoints, AverageOf(whole.run).checkpoints);
    EXPECT_EQ(AverageOf(resumed.run).scores, AverageOf(whole.run).scores);
    EXPECT_EQ(resumed.run.CheckpointSteps(), whole.run.CheckpointSteps());
    EXPECT_EQ(Bytes(resumed.run, kLastStep, kOptimizerFile),
              Bytes(whole.run, kLastStep, kOptimizerFile));
    EXPECT_EQ(StateWithoutClock(resumed.run, kLastStep), StateWithoutClock(whole.run, kLastStep));
    EXPECT_EQ(Metrics(resumed.run), Metrics(whole.run));
    EXPECT_TRUE(resumed.run.BestIsAverage());
  }
}

TEST_F(TrainerAverageTest, ATrainingThatGoesOnNamesAStepAndThenTheNewAverage) {
  Train("run", config_, WithScores({10, 30, 20, 5, 25, 1, 31}));
  config_.training.max_steps = 16;
  const auto read_best = [&] { return folder_.Read("run/checkpoints/best"); };
  ASSERT_EQ(read_best(), "average\n");
  const RunDirectory run = RunDirectory::Open(folder_.path() / "run");
  run.RepairPointers(12, 4);
  RunSetup setup = WithScores({26, 2, 32}, 12);
  std::vector<std::string> best;
  setup.score_translations = [&, score = setup.score_translations](const auto& stop) {
    best.push_back(read_best());
    return score(stop);
  };
  const Outcome longer = Train("run", config_, setup);
  EXPECT_THAT(best, ElementsAre("step-00000004\n", "step-00000004\n", "step-00000004\n"));
  ExpectIsMean(longer.run, {4, 10, 14});
  EXPECT_TRUE(longer.run.BestIsAverage());
  EXPECT_THAT(longer.run.CheckpointSteps(), ElementsAre(4, 10, 14, 16));
}

TEST_F(TrainerAverageTest, AnotherNumberCountsFromWhatIsKnown) {
  Train("run", config_, WithScores({10, 30, 20, 5, 25, 1, 31}));
  config_.training.average_best = 2;
  const Outcome fewer = Resume("run", config_, {31});
  ExpectIsMean(fewer.run, {4, 10});
  config_.training.average_best = 4;
  config_.training.max_steps = 14;
  const Outcome more = Resume("run", config_, {3, 31});
  // The last checkpoint still knew of three.
  EXPECT_THAT(StepsOf(AverageOf(more.run).checkpoints), ElementsAre(4, 6, 10, 14));
  ExpectIsMean(more.run, {4, 6, 10, 14});
}

// Scores on two texts do not compare.
TEST_F(TrainerAverageTest, OtherValidationTextBeginsAnew) {
  Train("run", config_, WithScores({10, 30, 20, 5, 25, 1, 31}));
  const MemoryCorpus other = CopyTask(/*pairs=*/6, /*shortest=*/2, /*longest=*/8, /*seed=*/8);
  config_.training.max_steps = 16;
  RunSetup setup = WithScores({7, 6, 5}, 12);
  setup.valid = &other;
  const Outcome longer = Train("run", config_, setup);
  ExpectIsMean(longer.run, {14, 16});
  EXPECT_EQ(longer.run.BestStep(), 14);
}

TEST_F(TrainerAverageTest, ADamagedCheckpointIsLeftOutAndIsNotTheBest) {
  const Outcome whole = Train("run", config_, WithScores({10, 30, 20, 5, 25, 1, 31}));
  std::filesystem::remove_all(whole.run.AveragePath());
  folder_.Write("run/checkpoints/step-00000004/model.safetensors", "half of a fi");  // The best.
  const Outcome resumed = Resume("run", config_, {24});
  EXPECT_THAT(StepsOf(AverageOf(resumed.run).checkpoints), ElementsAre(6, 10));
  ExpectIsMean(resumed.run, {6, 10});
  EXPECT_EQ(resumed.run.BestStep(), 10);
  EXPECT_EQ(LocateModel(resumed.run.path()).checkpoint, resumed.run.CheckpointPath(10));
  // Better than those that it comes from, though not than the damaged one was.
  EXPECT_TRUE(Resume("run", config_, {26}).run.BestIsAverage());
}

TEST_F(TrainerAverageTest, IfOneCheckpointCanBeReadItIsTheBest) {
  const Outcome whole = Train("run", config_, WithScores({10, 30, 20, 5, 25, 1, 31}));
  std::filesystem::remove_all(whole.run.AveragePath());
  folder_.Write("run/checkpoints/step-00000004/model.safetensors", "half of a fi");
  std::filesystem::remove_all(whole.run.CheckpointPath(10));
  const Outcome resumed = Resume("run", config_, {});
  EXPECT_EQ(resumed.reason, StopReason::kMaxSteps);
  EXPECT_FALSE(std::filesystem::exists(whole.run.AveragePath()));
  EXPECT_EQ(LocateModel(resumed.run.path()).checkpoint, resumed.run.CheckpointPath(6));
}

TEST_F(TrainerAverageTest, WhatAUserNamedLikeItIsNotReplaced) {
  RunSetup setup = WithScores({10, 30, 20, 5, 25, 1});
  setup.before_training = [&](const auto&) {
    folder_.Write("run/checkpoints/average/notes.txt", "mine");
  };
  try {
    Train("run", config_, setup);
    ADD_FAILURE() << "a folder was replaced";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    EXPECT_THAT(error.what(), HasSubstr("average: is no checkpoint, but has the name"));
    EXPECT_THAT(error.what(), HasSubstr("the training itself is done and saved: `wavemt resume"));
  }
  EXPECT_EQ(RunDirectory::Open(folder_.path() / "run").LatestStep(), kLastStep);
  EXPECT_EQ(folder_.Read("run/checkpoints/average/notes.txt"), "mine");
}

}  // namespace
}  // namespace wavemt
