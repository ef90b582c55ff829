// A run that was stopped and resumed is identical, to the last byte, to an uninterrupted one.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "../support/thrown_error.h"
#include "trainer_fixture.h"

namespace wavemt {
namespace {

constexpr int64_t kSteps = 12;

class TrainerResumeTest : public TrainerFixture {
 protected:
  // Everything that draws random numbers or carries state from step to step.
  static Config EverythingOn() {
    Config config = SmallConfig();
    config.model.dropout = 0.2;
    config.model.attention_dropout = 0.1;
    config.model.activation_dropout = 0.1;
    config.training.label_smoothing = 0.1;
    config.training.gradient_accumulation = 2;
    config.training.ema_decay = 0.9;
    config.training.schedule = LearningRateSchedule::kInverseSqrt;
    config.training.warmup_steps = 8;
    config.training.max_steps = kSteps;
    config.training.log_every = 4;  // So that an interval is interrupted by the stop.
    config.training.validate_every = 3;
    return config;
  }

  RunSetup From(std::optional<int64_t> step) const {
    // Different initial weights after a stop, because everything that matters comes from the
    // checkpoint.
    return {.valid = &valid_,
            .score_translations = {},
            .restore_step = step,
            .weights_seed = step ? uint64_t{99} : uint64_t{1}};
  }

  void ExpectSame(const Outcome& resumed, const Outcome& whole) {
    EXPECT_EQ(Bytes(resumed.run, kSteps, kModelFile), Bytes(whole.run, kSteps, kModelFile));
    EXPECT_EQ(Bytes(resumed.run, kSteps, kOptimizerFile), Bytes(whole.run, kSteps, kOptimizerFile));
    EXPECT_EQ(StateWithoutClock(resumed.run, kSteps), StateWithoutClock(whole.run, kSteps));
    EXPECT_EQ(Metrics(resumed.run), Metrics(whole.run));
    EXPECT_EQ(resumed.run.BestStep(), whole.run.BestStep());
  }

  MemoryCorpus valid_ = CopyTask(/*pairs=*/6, /*shortest=*/2, /*longest=*/8, /*seed=*/8);
};

TEST_F(TrainerResumeTest, HalfAndHalfIsTheWhole) {
  Config config = EverythingOn();
  const Outcome whole = Train("whole", config, From({}));
  config.training.max_steps = kSteps / 2;
  const Outcome half = Train("halves", config, From({}));
  // The run is cut in the middle of an epoch, with an epoch's end before and after.
  ASSERT_GE(half.state.position.epoch, 1);
  ASSERT_GT(half.state.position.batch, 0);
  ASSERT_GT(whole.state.position.epoch, half.state.position.epoch);
  config.training.max_steps = kSteps;
  ExpectSame(Train("halves", config, From(kSteps / 2)), whole);
}

TEST_F(TrainerResumeTest, AStopAtEveryStepIsTheWhole) {
  Config config = EverythingOn();
  const Outcome whole = Train("whole", config, From({}));
  // Like a stop by a signal, which does not validate.
  config.training.save_every = 1;
  config.training.keep_last = kSteps;
  Train("saved", config, From({}));
  config.training.save_every = 1000;
  for (int64_t step = 1; step < kSteps; ++step) {
    SCOPED_TRACE(step);
    std::filesystem::remove_all(folder_.path() / "saved/checkpoints/step-00000012");
    const Outcome resumed = Train("saved", config, From(step));
    EXPECT_EQ(Bytes(resumed.run, kSteps, kModelFile), Bytes(whole.run, kSteps, kModelFile));
    EXPECT_EQ(StateWithoutClock(resumed.run, kSteps), StateWithoutClock(whole.run, kSteps));
  }
}

// A signal or time limit interrupts a validation, and the resumed run repeats it.
TEST_F(TrainerResumeTest, AfterAValidationThatWasCutShort) {
  Config config = EverythingOn();
  for (const int64_t stopped_at : {int64_t{3}, int64_t{6}, kSteps}) {
    SCOPED_TRACE(stopped_at);
    const std::string number = std::to_string(stopped_at);
    // The scores get worse, so the first one determines the best checkpoint.
    const auto score = [](int64_t validation) {
      return ValidationScores{.bleu = 50.0 - static_cast<double>(validation),
                              .bleu_signature = "test"};
    };
    config.training.best_metric = ValidationMetric::kBleu;
    RunSetup whole_setup = From({});
    whole_setup.score_translations = [&, n = 0](const auto&) mutable { return score(++n); };
    const Outcome whole = Train("whole" + number, config, whole_setup);

    RunSetup stopped_setup = From({});
    const int64_t last_validation = stopped_at / config.training.validate_every;
    stopped_setup.score_translations =
        [&, n = 0](const std::function<bool()>&) mutable -> std::optional<ValidationScores> {
      if (++n < last_validation) return score(n);
      return std::nullopt;
    };
    config.training.max_steps = stopped_at;
    Train("stopped" + number, config, stopped_setup);
    config.training.max_steps = kSteps;
    RunSetup resumed_setup = From(stopped_at);
    resumed_setup.score_translations = [&, n = last_validation - 1](const auto&) mutable {
      return score(++n);
    };
    ExpectSame(Train("stopped" + number, config, resumed_setup), whole);
  }
}

TEST_F(TrainerResumeTest, WithoutAnAverageToo) {
  Config config = EverythingOn();
  config.training.ema_decay = 0;
  const Outcome whole = Train("whole", config, From({}));
  config.training.max_steps = kSteps / 2;
  Train("halves", config, From({}));
  config.training.max_steps = kSteps;
  ExpectSame(Train("halves", config, From(kSteps / 2)), whole);
}

TEST_F(TrainerResumeTest, WithRDropToo) {
  Config config = EverythingOn();
  config.training.r_drop.alpha = 5.0;
  const Outcome whole = Train("whole", config, From({}));
  config.training.max_steps = kSteps / 2;
  Train("halves", config, From({}));
  config.training.max_steps = kSteps;
  ExpectSame(Train("halves", config, From(kSteps / 2)), whole);
}

TEST_F(TrainerResumeTest, FromTheCheckpointBeforeADamagedOne) {
  Config config = EverythingOn();
  config.training.save_every = kSteps / 2;
  const Outcome whole = Train("whole", config, From({}));
  const Outcome crashed = Train("crashed", config, From({}));
  folder_.Write("crashed/checkpoints/step-00000012/model.safetensors", "half of a fi");
  const auto step = crashed.run.NewestWholeStep();
  ASSERT_TRUE(step);
  ASSERT_LT(*step, kSteps);
  ExpectSame(Train("crashed", config, From(step)), whole);
}

TEST_F(TrainerResumeTest, OnAnotherCorpusIsRefused) {
  Config config = SmallConfig();
  config.training.max_steps = 3;
  const Outcome first = Train("run", config);
  MemoryCorpus changed;  // One target has its ids in a different order.
  for (int64_t pair = 0; pair < corpus_.size(); ++pair) {
    std::vector<int32_t> target = corpus_.target(pair);
    if (pair == 1) std::rotate(target.begin(), target.begin() + 1, target.end());
    changed.Add(corpus_.source(pair), target);
  }
  ASSERT_NE(changed.target(1), corpus_.target(1));
  corpus_ = changed;
  EXPECT_EQ(UsageErrorOf([&] { Train("run", config, From(3)); }),
            first.run.CheckpointPath(3).string() +
                ": was trained on another text than data.train holds now, in which its position "
                "means nothing; put the old text back, or start a new run with `wavemt "
                "train`");
}

TEST_F(TrainerResumeTest, OfAFinishedRunChangesNothing) {
  const Config config = EverythingOn();
  const Outcome whole = Train("run", config, From({}));
  const std::string manifest = Bytes(whole.run, kSteps, kManifestFile);
  const auto metrics = Metrics(whole.run);
  const Outcome again = Train("run", config, From(kSteps));
  EXPECT_EQ(again.reason, StopReason::kMaxSteps);
  EXPECT_EQ(again.state.step, kSteps);
  EXPECT_EQ(Bytes(again.run, kSteps, kManifestFile), manifest);
  EXPECT_EQ(Metrics(again.run), metrics);
}

// A run that begins with another run's weights: `weights_seed` could not draw them again.
TEST_F(TrainerResumeTest, WeightsToBeginWithAreSavedEvenIfNothingIsTrained) {
  const Config config = SmallConfig();
  const Outcome whole = Train("whole", config, {.saves_start = true});
  const Outcome stopped =
      Train("stopped", config, {.saves_start = true, .deadline = TimeLimit::Clock::now()});
  EXPECT_EQ(stopped.reason, StopReason::kTimeLimit);
  ASSERT_EQ(stopped.run.LatestStep(), 0);
  const Outcome resumed = Train("stopped", config, {.restore_step = 0, .weights_seed = 9});
  const int64_t last = config.training.max_steps;
  EXPECT_EQ(Bytes(resumed.run, last, kModelFile), Bytes(whole.run, last, kModelFile));
}

}  // namespace
}  // namespace wavemt
