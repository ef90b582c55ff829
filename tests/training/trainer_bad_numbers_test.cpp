// Steps whose loss or gradient is not finite.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <set>

#include "support/error.h"
#include "trainer_fixture.h"

namespace wavemt {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr const char* kPoisoned = "decoder.layers.0.feed_forward.in_proj.weight";

// Adds `poison` to the gradient of kPoisoned at the given steps, counted from the first step of
// this trainer.
std::function<void(TransformerImpl&)> PoisonGradient(std::set<int64_t> steps, double poison) {
  return [steps = std::move(steps), poison](TransformerImpl& model) {
    auto step = std::make_shared<int64_t>(0);
    model.named_parameters()[kPoisoned].register_hook([=](const torch::Tensor& gradient) {
      ++*step;
      return steps.contains(*step) ? gradient + poison : gradient;
    });
  };
}

std::function<void(TransformerImpl&)> SetWeight(const std::string& name, double value) {
  return [=](TransformerImpl& model) {
    const torch::NoGradGuard no_grad;
    model.named_parameters()[name].fill_(value);
  };
}

class TrainerBadNumbersTest : public TrainerFixture {
 protected:
  TrainerBadNumbersTest() {
    spdlog::set_level(spdlog::level::err);
    config_.model.dropout = 0.2;
    config_.training.ema_decay = 0.9;
  }

  static RunSetup Prepared(std::function<void(TransformerImpl&)> before_training) {
    RunSetup setup;
    setup.before_training = std::move(before_training);
    return setup;
  }

  // Trains until too many steps are skipped, and returns the message that says where the numbers
  // went bad.
  std::string CauseOf(const std::string& name, const RunSetup& setup) {
    try {
      Train(name, config_, setup);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 1);
      return error.what();
    }
    return "it ran to the end";
  }

  Config config_ = SmallConfig();
};

TEST_F(TrainerBadNumbersTest, ASkippedStepChangesNothingButTheCounters) {
  config_.training.save_every = 1;
  config_.training.keep_last = 100;
  for (const double poison : {kNaN, kInfinity, -kInfinity}) {
    const std::string name = fmt::format("{}", poison);
    const Outcome outcome = Train(name, config_, Prepared(PoisonGradient({5, 6}, poison)));
    EXPECT_EQ(outcome.reason, StopReason::kMaxSteps);
    EXPECT_EQ(outcome.state.skipped_steps, 2);
    EXPECT_EQ(outcome.state.skipped_in_a_row, 0);
    // No checkpoint is written while steps are being skipped; one that was due follows afterwards.
    EXPECT_THAT(outcome.run.CheckpointSteps(), ElementsAre(1, 2, 3, 4, 7, 8, 9, 10));
  }
}

// The reference runs the same steps, but with a learning rate that changes nothing at the bad ones.
TEST_F(TrainerBadNumbersTest, WeightsMomentsAndAverageStay) {
  config_.training.max_steps = 4;
  const Outcome before = Train("before", config_, Prepared(PoisonGradient({3, 4}, kNaN)));
  config_.training.max_steps = 2;
  const Outcome good = Train("good", config_, Prepared({}));
  EXPECT_EQ(Bytes(before.run, 4, kModelFile), Bytes(good.run, 2, kModelFile));
  EXPECT_EQ(Bytes(before.run, 4, kOptimizerFile), Bytes(good.run, 2, kOptimizerFile));
  const Json state = StateWithoutClock(before.run, 4);
  EXPECT_EQ(state["step"], 4);
  EXPECT_EQ(state["skipped_steps"], 2);
  EXPECT_EQ(state["skipped_in_a_row"], 2);
  // The batches are consumed, and their loss is not in the mean.
  EXPECT_GT(state["batch_in_epoch"], StateWithoutClock(good.run, 2)["batch_in_epoch"]);
  EXPECT_EQ(state["interval_loss"], StateWithoutClock(good.run, 2)["interval_loss"]);
  EXPECT_EQ(state["interval_tokens"], StateWithoutClock(good.run, 2)["interval_tokens"]);
}

TEST_F(TrainerBadNumbersTest, BiasCorrectionCountsOnlyRealUpdates) {
  // A single batch, so that step 1 and step 2 have the same gradient.
  corpus_ = CopyTask(/*pairs=*/1, /*shortest=*/8, /*longest=*/8, /*seed=*/1);
  config_.model.dropout = 0;
  config_.training.ema_decay = 0;
  config_.training.max_steps = 2;
  const Outcome skipped = Train("skipped", config_, Prepared(PoisonGradient({1}, kNaN)));
  config_.training.max_steps = 1;
  const Outcome plain = Train("plain", config_);
  EXPECT_EQ(Bytes(skipped.run, 2, kModelFile), Bytes(plain.run, 1, kModelFile));
}

TEST_F(TrainerBadNumbersTest, IsLoggedInTheMetrics) {
  config_.training.log_every = 5;
  const std::vector<Json> metrics =
      Metrics(Train("run", config_, Prepared(PoisonGradient({2, 5}, kNaN))).run);
  ASSERT_EQ(metrics.size(), 2U);
  EXPECT_EQ(metrics[0]["skipped_steps"], 2);
  EXPECT_EQ(metrics[1]["skipped_steps"], 2);
  EXPECT_TRUE(metrics[0]["loss"].is_number());
  EXPECT_TRUE(metrics[0]["gradient_norm"].is_null());  // Of the last step.
  EXPECT_TRUE(metrics[1]["gradient_norm"].is_number());
}

TEST_F(TrainerBadNumbersTest, AnIntervalOfSkippedStepsHasNoLoss) {
  config_.training.log_every = 2;
  const std::vector<Json> metrics =
      Metrics(Train("run", config_, Prepared(PoisonGradient({3, 4}, kNaN))).run);
  EXPECT_TRUE(metrics[1]["loss"].is_null());
  EXPECT_TRUE(metrics[2]["loss"].is_number());
}

TEST_F(TrainerBadNumbersTest, ResumingIsExactAcrossSkippedSteps) {
  config_.training.gradient_accumulation = 1;
  config_.training.schedule = LearningRateSchedule::kInverseSqrt;
  config_.training.warmup_steps = 8;
  config_.training.log_every = 4;
  const std::set<int64_t> bad = {3, 4, 5, 8};
  const Outcome whole = Train("whole", config_, Prepared(PoisonGradient(bad, kNaN)));
  for (int64_t stop = 1; stop < 10; ++stop) {
    SCOPED_TRACE(stop);
    const std::string name = fmt::format("stopped at {}", stop);
    config_.training.max_steps = stop;
    Train(name, config_, Prepared(PoisonGradient(bad, kNaN)));
    config_.training.max_steps = 10;
    std::set<int64_t> later;
    for (const int64_t step : bad) later.insert(step - stop);
    RunSetup setup = Prepared(PoisonGradient(later, kNaN));
    setup.restore_step = stop;
    setup.weights_seed = 99;
    const Outcome resumed = Train(name, config_, setup);
    EXPECT_EQ(Bytes(resumed.run, 10, kModelFile), Bytes(whole.run, 10, kModelFile));
    EXPECT_EQ(Bytes(resumed.run, 10, kOptimizerFile), Bytes(whole.run, 10, kOptimizerFile));
    EXPECT_EQ(StateWithoutClock(resumed.run, 10), StateWithoutClock(whole.run, 10));
    EXPECT_EQ(Metrics(resumed.run), Metrics(whole.run));
  }
}

TEST_F(TrainerBadNumbersTest, StopsAfterSoManyInARow) {
  config_.training.max_skipped_steps = 3;
  config_.training.save_every = 2;
  EXPECT_EQ(Train("never", config_, Prepared(PoisonGradient({2, 3, 5, 6, 8, 9}, kNaN))).reason,
            StopReason::kMaxSteps);
  EXPECT_THAT(CauseOf("stopped", Prepared(PoisonGradient({6, 7, 8}, kNaN))),
              AllOf(HasSubstr("step 8: the loss or gradient is not finite (3 in a row; "),
                    HasSubstr("training.max_skipped_steps"),
                    HasSubstr("the newest checkpoint, of step 4, is from before"),
                    HasSubstr("`wavemt resume "), HasSubstr(kPoisoned), Not(HasSubstr("remove"))));
  const RunDirectory run = RunDirectory::Open(folder_.path() / "stopped");
  EXPECT_THAT(run.CheckpointSteps(), ElementsAre(2, 4));
  EXPECT_EQ(run.NewestWholeStep(), 4);
  // The run can be resumed, and without the poison it runs to the end.
  RunSetup setup;
  setup.restore_step = 4;
  EXPECT_EQ(Train("stopped", config_, setup).reason, StopReason::kMaxSteps);
}

TEST_F(TrainerBadNumbersTest, ARowGoesOnWhenTheRunIsResumed) {
  config_.training.max_skipped_steps = 3;
  config_.training.max_steps = 2;
  Train("run", config_, Prepared(PoisonGradient({1, 2}, kNaN)));
  config_.training.max_steps = 10;
  RunSetup setup = Prepared(PoisonGradient({1}, kNaN));
  setup.restore_step = 2;
  EXPECT_THAT(CauseOf("run", setup),
              HasSubstr("step 3: the loss or gradient is not finite (3 in a row; "));
}

TEST_F(TrainerBadNumbersTest, SaysThatTheNewestCheckpointHoldsTheWeightsThatFailed) {
  config_.training.max_skipped_steps = 2;
  config_.training.save_every = 1;
  EXPECT_THAT(CauseOf("run", Prepared(PoisonGradient({4, 5, 6}, kNaN))),
              HasSubstr("it holds the very weights that failed: remove "));
}

TEST_F(TrainerBadNumbersTest, SaysSoOfACheckpointOfTheMiddleOfTheRowToo) {
  config_.training.max_skipped_steps = 4;
  config_.training.max_steps = 2;
  Train("run", config_, Prepared(PoisonGradient({1, 2}, kNaN)));
  config_.training.max_steps = 10;
  RunSetup setup = Prepared(PoisonGradient({1, 2}, kNaN));
  setup.restore_step = 2;
  // It is the only checkpoint.
  EXPECT_THAT(CauseOf("run", setup), HasSubstr("(it holds the very weights that failed)"));
}

TEST_F(TrainerBadNumbersTest, WithoutACheckpointTheAdviceIsToStartOver) {
  config_.training.max_skipped_steps = 3;
  EXPECT_THAT(CauseOf("run", Prepared(PoisonGradient({4, 5, 6}, kNaN))),
              AllOf(HasSubstr("there is no checkpoint yet: `wavemt resume "),
                    HasSubstr(" --set training.learning_rate=...` with a lower one starts over")));
  EXPECT_THAT(RunDirectory::Open(folder_.path() / "run").CheckpointSteps(), ElementsAre());
}

TEST_F(TrainerBadNumbersTest, NamesAWeight) {
  config_.training.max_skipped_steps = 2;
  for (const double value : {kNaN, kInfinity}) {
    EXPECT_THAT(CauseOf(fmt::format("weight {}", value),
                        Prepared(SetWeight("encoder.layers.0.feed_forward.out_proj.bias", value))),
                AllOf(HasSubstr("the weight encoder.layers.0.feed_forward.out_proj.bias is not "
                                "finite"),
                      HasSubstr("there is no checkpoint yet")));
  }
  EXPECT_THAT(RunDirectory::Open(folder_.path() / "weight nan").CheckpointSteps(), ElementsAre());
}

TEST_F(TrainerBadNumbersTest, NamesTheLayerWhoseResultIsTheFirstToOverflow) {
  config_.training.max_skipped_steps = 1;
  const auto cause = [&](const std::string& weight) {
    return CauseOf("of " + weight, Prepared(SetWeight(weight, 3e38)));
  };
  for (const std::string layer :
       {"source_embedding", "encoder.layers.0.self_attention.qkv_proj",
        "encoder.layers.0.feed_forward.in_proj", "decoder.layers.0.cross_attention.kv_proj",
        "decoder.layers.0.feed_forward.out_proj"}) {
    EXPECT_THAT(cause(layer + ".weight"),
                HasSubstr(layer == "source_embedding"
                              ? "values stop being finite between source_embedding and "
                                "encoder.layers.0.self_attention_norm"
                              : "the first layer with a result that is not finite is " + layer));
  }
}

TEST_F(TrainerBadNumbersTest, NamesTheLayersBetweenWhichValuesOverflow) {
  config_.training.max_skipped_steps = 1;
  config_.model.activation = Activation::kSwiglu;  // Multiplies two finite numbers.
  EXPECT_THAT(
      CauseOf("run", Prepared(SetWeight("encoder.layers.0.feed_forward.in_proj.bias", 1e30))),
      HasSubstr("values stop being finite between encoder.layers.0.feed_forward.in_proj "
                "and encoder.layers.0.feed_forward.out_proj"));
}

TEST_F(TrainerBadNumbersTest, NamesTheOutputProjectionThoughItIsTied) {
  config_.training.max_skipped_steps = 1;
  const auto large_product = [](TransformerImpl& model) {
    SetWeight("decoder.norm.weight", 1e37)(model);
    SetWeight("source_embedding.weight", 100)(model);
  };
  EXPECT_THAT(CauseOf("run", Prepared(large_product)),
              HasSubstr("the first layer with a result that is not finite is output_projection"));
}

TEST_F(TrainerBadNumbersTest, NamesTheGradientThatTheBackwardPassReachesFirst) {
  config_.training.max_skipped_steps = 1;
  EXPECT_THAT(CauseOf("gradient", Prepared(PoisonGradient({1}, kInfinity))),
              HasSubstr(std::string("the first gradient that is not finite, from the loss "
                                    "backwards, is that of ") +
                        kPoisoned));
}

TEST_F(TrainerBadNumbersTest, NamesTheLargestGradientWhereOnlyTheNormOverflows) {
  config_.training.max_skipped_steps = 1;
  EXPECT_THAT(CauseOf("norm", Prepared(PoisonGradient({1}, 1e30))),
              AllOf(HasSubstr("each gradient is finite, but not their norm: that of "),
                    HasSubstr(std::string(kPoisoned) + " reaches 1.0e+30")));
}

TEST_F(TrainerBadNumbersTest, AnUpdateThatSpoilsTheWeightsIsNeverSaved) {
  config_.training.learning_rate = 1e39;  // Infinite in fp32.
  config_.training.save_every = 1;
  EXPECT_THAT(CauseOf("run", Prepared({})),
              AllOf(HasSubstr("step 1: "), HasSubstr(" is not finite, which no checkpoint may "
                                                     "hold")));
  EXPECT_THAT(RunDirectory::Open(folder_.path() / "run").CheckpointSteps(), ElementsAre());
}

TEST_F(TrainerBadNumbersTest, ALearningRateThatDivergesStopsTheTraining) {
  config_.training.learning_rate = 1e30;
  config_.training.max_steps = 100;
  EXPECT_THAT(CauseOf("run", Prepared({})),
              AllOf(HasSubstr("(10 in a row; "),
                    HasSubstr("the first layer with a result that is not finite is ")));
}

TEST_F(TrainerBadNumbersTest, InBfloat16Too) {
  config_.training.precision = Precision::kBf16;
  config_.training.max_skipped_steps = 1;
  const std::string layer = "decoder.layers.0.feed_forward.out_proj";
  EXPECT_THAT(CauseOf("run", Prepared(SetWeight(layer + ".weight", 3e38))),
              HasSubstr("the first layer with a result that is not finite is " + layer));
}

}  // namespace
}  // namespace wavemt
