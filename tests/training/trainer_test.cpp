#include "training/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <set>

#include "support/error.h"
#include "support/signals.h"
#include "trainer_fixture.h"

namespace wavemt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class TrainerTest : public TrainerFixture {
 protected:
  // A scorer that returns `scores` one after the other.
  static ScoreTranslations Scores(std::vector<double> scores) {
    return [scores = std::move(scores), next = size_t{0}](const std::function<bool()>&) mutable {
      return ValidationScores{.bleu = scores.at(next++), .bleu_signature = "test"};
    };
  }

  Config config_ = SmallConfig();
};

TEST_F(TrainerTest, ATinyModelLearnsTheCopyTask) {
  config_.training.max_steps = 150;
  config_.training.batch_tokens = 128;
  Outcome outcome = Train("run", config_);
  EXPECT_EQ(outcome.reason, StopReason::kMaxSteps);
  const SpecialTokens& special = CopyTaskTokenizers().source->special();
  EXPECT_LT(ValidationLoss(outcome.model, corpus_, torch::kCPU,
                           {.batch_tokens = 128,
                            .precision = Precision::kFp32,
                            .source_special = special,
                            .target_special = special}),
            0.1);
}

TEST_F(TrainerTest, TheSameSeedGivesTheSameBytesAndAnotherSeedOthers) {
  config_.model.dropout = 0.2;
  const auto model_of = [&](const std::string& name) {
    return Bytes(Train(name, config_).run, 10, kModelFile);
  };
  const std::string first = model_of("a");
  EXPECT_EQ(model_of("b"), first);
  config_.seed = 2;
  EXPECT_NE(model_of("c"), first);
}

TEST_F(TrainerTest, DropoutIsAnotherInEveryStepAndEveryBatchOfIt) {
  corpus_ = CopyTask(/*pairs=*/1, /*shortest=*/8, /*longest=*/8, /*seed=*/1);
  config_.training.learning_rate = 1e-30;  // The weights stay the same.
  config_.training.log_every = 1;
  const auto losses = [&](const std::string& name) {
    std::vector<double> values;
    for (const Json& line : Metrics(Train(name, config_).run)) values.push_back(line["loss"]);
    return values;
  };
  const std::vector<double> still = losses("still");
  EXPECT_EQ(std::set(still.begin(), still.end()).size(), 1U);
  config_.model.dropout = 0.2;
  const std::vector<double> single = losses("single");
  EXPECT_EQ(std::set(single.begin(), single.end()).size(), single.size());
  config_.training.gradient_accumulation = 2;
  const std::vector<double> both = losses("both");
  for (size_t step = 0; step < single.size(); ++step) EXPECT_NE(both[step], single[step]);
}

TEST_F(TrainerTest, ValidationNeverChangesTheTraining) {
  config_.model.dropout = 0.2;
  config_.training.ema_decay = 0.9;
  const std::string without = Bytes(Train("without", config_).run, 10, kModelFile);
  config_.training.validate_every = 2;
  const MemoryCorpus valid = CopyTask(5, 1, 9, 77);
  const Outcome outcome =
      Train("with", config_, {.valid = &valid, .score_translations = {}, .restore_step = {}});
  EXPECT_EQ(Bytes(outcome.run, 10, kModelFile), without);
  EXPECT_EQ(Metrics(outcome.run).size(), 5U);
}

TEST_F(TrainerTest, TwoBatchesAccumulatedAreOneBatchOfBoth) {
  // Short and long sentences, so that the two batches have different numbers of tokens.
  corpus_ = MemoryCorpus();
  for (const int64_t length : {3, 3, 3, 3, 7, 7, 7, 7}) {
    const MemoryCorpus one = CopyTask(1, length, length, corpus_.size());
    corpus_.Add(one.source(0), one.target(0));
  }
  config_.training.max_steps = 1;
  config_.training.clip_norm = 0;
  config_.training.optimizer.epsilon = 1e-3;  // So that the signs of tiny gradients do not matter.
  config_.training.label_smoothing = 0.1;
  config_.training.batch_tokens = 64;
  const Outcome whole = Train("whole", config_);
  ASSERT_EQ(whole.state.position, (DataPosition{.epoch = 1, .batch = 0}));

  config_.training.batch_tokens = 32;
  config_.training.gradient_accumulation = 2;
  const Outcome halves = Train("halves", config_);
  ASSERT_EQ(halves.state.position, (DataPosition{.epoch = 1, .batch = 0}));
  EXPECT_EQ(halves.state.target_tokens, whole.state.target_tokens);

  const Checkpoint a = ReadCheckpoint(whole.run.CheckpointPath(1));
  const Checkpoint b = ReadCheckpoint(halves.run.CheckpointPath(1));
  const auto expect_close = [](const NamedTensors& some, const NamedTensors& others) {
    for (const auto& [name, tensor] : some) {
      EXPECT_LT((tensor - others.at(name)).abs().max().item<double>(), 1e-5) << name;
    }
  };
  expect_close(a.model, b.model);
  expect_close(a.optimizer, b.optimizer);  // After one step the moments depend on one gradient.
}

TEST_F(TrainerTest, StopsAfterMaxEpochs) {
  config_.training.max_epochs = 2;
  config_.training.max_steps = 1000;
  const Outcome outcome = Train("run", config_);
  EXPECT_EQ(outcome.reason, StopReason::kMaxEpochs);
  EXPECT_EQ(outcome.state.position, (DataPosition{.epoch = 2, .batch = 0}));
  int64_t tokens = 0;
  for (int64_t pair = 0; pair < corpus_.size(); ++pair) {
    tokens += static_cast<int64_t>(corpus_.target(pair).size()) + 1;
  }
  EXPECT_EQ(outcome.state.target_tokens, 2 * tokens);
  EXPECT_THAT(outcome.run.CheckpointSteps(), ElementsAre(outcome.state.step));
}

TEST_F(TrainerTest, ValidatesAtTheEndThoughTheLastUpdatePassesMoreThanOneEpoch) {
  config_.training.max_epochs = 2;
  config_.training.max_steps = 1000;
  config_.training.gradient_accumulation = 500;  // Many more batches than an epoch has.
  config_.training.validate_every = 1000;
  const Outcome outcome =
      Train("run", config_, {.valid = &corpus_, .score_translations = {}, .restore_step = {}});
  EXPECT_EQ(outcome.reason, StopReason::kMaxEpochs);
  EXPECT_GT(outcome.state.position.epoch, 2);
  EXPECT_EQ(outcome.state.best_step, outcome.state.step);
  EXPECT_TRUE(outcome.state.best_score.has_value());
}

// Even if the reason to stop goes away, since the model that was to be measured would be lost.
TEST_F(TrainerTest, AValidationThatWasCutShortIsNotTrainedOver) {
  config_.training.best_metric = ValidationMetric::kBleu;
  config_.training.validate_every = 3;
  const Outcome outcome =
      Train("run", config_,
            {.valid = &corpus_,
             .score_translations = [](const auto&) { return std::optional<ValidationScores>(); },
             .restore_step = {}});
  EXPECT_EQ(outcome.reason, StopReason::kTimeLimit);
  EXPECT_EQ(outcome.run.LatestStep(), 3);
  EXPECT_EQ(StateWithoutClock(outcome.run, 3)["validation_pending"], true);
}

TEST_F(TrainerTest, OfSeveralSetsTheFirstDecidesAndEachIsLogged) {
  config_.training.best_metric = ValidationMetric::kBleu;
  config_.training.validate_every = 3;
  config_.training.max_steps = 9;
  const MemoryCorpus other = CopyTask(/*pairs=*/10, /*shortest=*/2, /*longest=*/8, /*seed=*/4);
  const Outcome outcome = Train("run", config_,
                                {.valid = &corpus_,
                                 .score_translations = Scores({10, 20, 15}),
                                 .further_sets = {{.key = "test/other",
                                                   .description = "data.test (other)",
                                                   .corpus = other,
                                                   .score_translations = Scores({99, 1, 99})}}});
  EXPECT_EQ(outcome.state.best_step, 6);
  EXPECT_EQ(outcome.state.best_score, 20.0);
  const std::vector<Json> lines = Metrics(outcome.run);
  ASSERT_EQ(lines.size(), 3);
  EXPECT_EQ(lines[1]["valid/bleu"], 20.0);
  EXPECT_EQ(lines[1]["test/other/bleu"], 1.0);
  EXPECT_NE(lines[1]["valid/loss"], lines[1]["test/other/loss"]);
}

TEST_F(TrainerTest, AValidationThatWasCutShortInALaterSetIsNotLoggedAndBeginsAgain) {
  config_.training.best_metric = ValidationMetric::kBleu;
  config_.training.validate_every = 3;
  config_.training.max_steps = 3;
  const auto train = [&](const std::string& name, const ScoreTranslations& later,
                         std::optional<int64_t> restore_step) {
    return Train(name, config_,
                 {.valid = &corpus_,
                  .score_translations = Scores({10}),
                  .further_sets = {{.corpus = corpus_, .score_translations = later}},
                  .restore_step = restore_step});
  };
  const auto stop = [](const auto&) { return std::optional<ValidationScores>(); };
  const Outcome stopped = train("run", stop, {});
  EXPECT_EQ(StateWithoutClock(stopped.run, 3)["validation_pending"], true);
  EXPECT_FALSE(stopped.state.best_score.has_value());
  EXPECT_THAT(Metrics(stopped.run), testing::IsEmpty());
  const Outcome resumed = train("run", Scores({20}), 3);
  EXPECT_EQ(resumed.state.best_score, 10.0);
  EXPECT_EQ(Metrics(resumed.run), Metrics(train("whole", Scores({20}), {}).run));
}

TEST_F(TrainerTest, OfEqualScoresTheLowerLossIsTheBest) {
  config_.training.best_metric = ValidationMetric::kBleu;
  config_.training.validate_every = 3;
  config_.training.save_every = 3;
  config_.training.patience = 3;
  config_.training.max_steps = 30;
  const Outcome outcome = Train("run", config_,
                                {.valid = &corpus_,
                                 .score_translations = Scores({0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
                                 .restore_step = {}});
  double lowest = std::numeric_limits<double>::infinity();
  int64_t best_step = 0;
  for (const Json& line : Metrics(outcome.run)) {
    if (!line.contains("valid/loss") || line["valid/loss"] >= lowest) continue;
    lowest = line["valid/loss"];
    best_step = line["step"];
  }
  EXPECT_GT(best_step, 3) << "the loss never fell";
  EXPECT_EQ(outcome.state.best_step, best_step);
  EXPECT_EQ(outcome.run.BestStep(), best_step);
}

TEST_F(TrainerTest, PatienceStopsTheTrainingAndTheBestIsKept) {
  config_.training.best_metric = ValidationMetric::kBleu;
  config_.training.validate_every = 3;
  config_.training.save_every = 3;
  config_.training.keep_last = 1;
  config_.training.patience = 2;
  config_.training.max_steps = 1000;
  const Outcome outcome = Train(
      "run", config_,
      {.valid = &corpus_, .score_translations = Scores({10, 20, 15, 19, 99}), .restore_step = {}});
  EXPECT_EQ(outcome.reason, StopReason::kPatience);
  EXPECT_EQ(outcome.state.step, 12);
  EXPECT_EQ(outcome.state.best_step, 6);
  EXPECT_EQ(outcome.state.best_score, 20.0);
  EXPECT_EQ(outcome.run.BestStep(), 6);
  EXPECT_EQ(outcome.run.LatestStep(), 12);
  EXPECT_THAT(outcome.run.CheckpointSteps(), ElementsAre(6, 12));
}

TEST_F(TrainerTest, PatienceWatchesTheLossToo) {
  config_.training.learning_rate = 1e-30;  // The loss never improves.
  config_.training.validate_every = 1;
  config_.training.patience = 3;
  const Outcome outcome =
      Train("run", config_, {.valid = &corpus_, .score_translations = {}, .restore_step = {}});
  EXPECT_EQ(outcome.reason, StopReason::kPatience);
  EXPECT_EQ(outcome.state.step, 4);
  EXPECT_EQ(outcome.state.best_step, 1);
}

TEST_F(TrainerTest, ANewBestIsSavedAtOnce) {
  config_.training.best_metric = ValidationMetric::kBleu;
  config_.training.validate_every = 2;
  const Outcome outcome = Train(
      "run", config_,
      {.valid = &corpus_, .score_translations = Scores({10, 5, 30, 1, 2}), .restore_step = {}});
  EXPECT_EQ(outcome.run.BestStep(), 6);
  EXPECT_THAT(outcome.run.CheckpointSteps(), ElementsAre(2, 6, 10));
}

TEST_F(TrainerTest, WhatWasTrainedOutlivesAValidationThatFails) {
  config_.training.validate_every = 5;
  const auto train = [&](const std::string& name, const ScoreTranslations& score,
                         std::optional<int64_t> restore_step) {
    return Train(name, config_,
                 {.valid = &corpus_, .score_translations = score, .restore_step = restore_step});
  };
  const auto fail = [](const auto&) -> std::optional<ValidationScores> {
    throw Failure("line 3: does not fit in memory");
  };
  EXPECT_THAT([&] { train("run", fail, {}); },
              ThrowsMessage<Error>(HasSubstr("line 3: does not fit")));
  EXPECT_EQ(RunDirectory::Open(folder_.path() / "run").LatestStep(), 5);
  // The resumed run repeats the validation.
  const Outcome outcome = train("run", Scores({10, 20}), 5);
  EXPECT_EQ(outcome.state.step, 10);
  EXPECT_EQ(Metrics(outcome.run), Metrics(train("whole", Scores({10, 20}), {}).run));
}

TEST_F(TrainerTest, WhatFailedFirstIsWhatIsThrown) {
  config_.training.validate_every = 5;
  const auto fail = [&](const auto&) -> std::optional<ValidationScores> {
    // From now on, no checkpoint can be saved either.
    std::filesystem::remove_all(folder_.path() / "run/checkpoints");
    folder_.Write("run/checkpoints", "");
    throw Failure("line 3: does not fit in memory");
  };
  EXPECT_THAT(
      [&] {
        Train("run", config_, {.valid = &corpus_, .score_translations = fail, .restore_step = {}});
      },
      ThrowsMessage<Error>("line 3: does not fit in memory"));
}

TEST_F(TrainerTest, KeepsTheLastCheckpoints) {
  config_.training.save_every = 3;
  config_.training.keep_last = 2;
  const Outcome outcome = Train("run", config_);
  EXPECT_THAT(outcome.run.CheckpointSteps(), ElementsAre(9, 10));
  EXPECT_EQ(outcome.run.LatestStep(), 10);
}

TEST_F(TrainerTest, LogsTheMeanLossOfATokenSinceTheLastLine) {
  config_.training.log_every = 1;
  const std::vector<Json> every = Metrics(Train("every", config_).run);
  config_.training.log_every = 5;
  const std::vector<Json> fifth = Metrics(Train("fifth", config_).run);
  ASSERT_EQ(every.size(), 10U);
  ASSERT_EQ(fifth.size(), 2U);
  EXPECT_EQ(fifth[1]["step"], 10);
  EXPECT_EQ(fifth[1]["gradient_norm"], every[9]["gradient_norm"]);
  // The mean lies between the individual losses, whose numbers of tokens differ a little.
  double mean = 0;
  for (size_t i = 5; i < 10; ++i) mean += every[i]["loss"].get<double>() / 5;
  EXPECT_NEAR(fifth[1]["loss"].get<double>(), mean, 0.05);
}

TEST_F(TrainerTest, WithAnAverageTheModelFileHoldsItAndTheWeightsLieBesideTheMoments) {
  config_.training.ema_decay = 0.5;
  Outcome outcome = Train("run", config_);
  const Checkpoint checkpoint = ReadCheckpoint(outcome.run.CheckpointPath(10));
  for (const auto& [name, weight] : ParametersOf(*outcome.model)) {
    EXPECT_TRUE(torch::equal(checkpoint.optimizer.at("weights." + name), weight)) << name;
    EXPECT_FALSE(torch::equal(checkpoint.model.at(name), weight)) << name;
  }
  EXPECT_EQ(checkpoint.optimizer.size(), 3 * outcome.model->parameters().size());
}

TEST_F(TrainerTest, RefusesTheCheckpointOfAnotherModel) {
  const Outcome outcome = Train("run", config_);
  config_.model.ffn_dim = 48;
  EXPECT_THAT(
      [&] {
        Train("run", config_, {.valid = nullptr, .score_translations = {}, .restore_step = 10});
      },
      ThrowsMessage<Error>(HasSubstr("step-00000010/model.safetensors: \"")));
}

// A stop signal affects the rest of the process, so this test runs in a process of its own.
using TrainerDeathTest = TrainerTest;
TEST_F(TrainerDeathTest, ASignalFinishesTheStepAndSavesIt) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        InstallStopSignals();
        config_.training.validate_every = 4;
        const Outcome outcome = Train("run", config_,
                                      {.valid = &corpus_,
                                       .score_translations =
                                           [](const std::function<bool()>&) {
                                             std::raise(SIGTERM);
                                             return ValidationScores();
                                           },
                                       .restore_step = {}});
        const bool stopped = outcome.reason == StopReason::kSignal && outcome.state.step == 4 &&
                             outcome.run.NewestWholeStep() == 4;
        std::_Exit(stopped ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace wavemt
