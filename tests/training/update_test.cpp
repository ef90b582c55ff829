#include "training/update.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "copy_task.h"

namespace wavemt {
namespace {

Config SmallConfig() {
  Config config;
  config.model.d_model = 16;
  config.model.num_heads = 2;
  config.model.ffn_dim = 32;
  config.model.num_encoder_layers = 1;
  config.model.num_decoder_layers = 1;
  config.training.learning_rate = 0.01;
  config.training.warmup_steps = 4;
  config.training.ema_decay = 0.5;
  return config;
}

class UpdateTest : public testing::Test {
 protected:
  Transformer NewModel(uint64_t seed) const {
    torch::manual_seed(seed);
    const int64_t vocabulary = CopyTaskTokenizers().source->vocab_size();
    return Transformer(config_.model, VocabularySizes{.source = vocabulary, .target = vocabulary});
  }

  Updater NewUpdater(const Transformer& model) const {
    return Updater(config_, model, torch::kCPU);
  }

  std::vector<Batch> TwoBatches(int64_t step) const {
    const SpecialTokens& special = CopyTaskTokenizers().source->special();
    const auto first = static_cast<uint32_t>(step % 4) * 4;
    const std::vector<uint32_t> pairs = {first, first + 1, first + 2, first + 3};
    return {MakeBatch(corpus_, std::span(pairs).first(3), special, special),
            MakeBatch(corpus_, std::span(pairs).last(1), special, special)};
  }

  static Checkpoint CheckpointOf(const Updater& updater, int64_t step) {
    return updater.trained().MakeCheckpoint(step, updater.trained().optimizer().State());
  }

  static bool AreSame(const NamedTensors& a, const NamedTensors& b) {
    return a.size() == b.size() && std::ranges::all_of(a, [&](const auto& entry) {
             return torch::equal(entry.second, b.at(entry.first));
           });
  }

  static NamedTensors Copies(const NamedTensors& tensors) {
    NamedTensors copies;
    for (const auto& [name, tensor] : tensors) copies.emplace(name, tensor.detach().clone());
    return copies;
  }

  Config config_ = SmallConfig();
  MemoryCorpus corpus_ = CopyTask(/*pairs=*/16, /*shortest=*/2, /*longest=*/8, /*seed=*/5);
};

TEST_F(UpdateTest, CountsLossAndTokens) {
  const Transformer model = NewModel(1);
  Updater updater = NewUpdater(model);
  updater.Step(1, TwoBatches(1));
  const StepTally::Sums sums = updater.tally().Read();
  EXPECT_EQ(sums.tokens, TargetTokens(TwoBatches(1)));
  // The loss per token of an untrained model is about the logarithm of the vocabulary size.
  EXPECT_NEAR(sums.loss / static_cast<double>(sums.tokens), std::log(24.0), 0.7);
  EXPECT_GT(updater.gradient_norm().item<double>(), 0.0);
}

TEST_F(UpdateTest, AnotherUpdaterGoesOnFromItsCheckpoint) {
  const Transformer model = NewModel(1);
  Updater updater = NewUpdater(model);
  for (int64_t step = 1; step <= 3; ++step) updater.Step(step, TwoBatches(step));
  Checkpoint checkpoint = CheckpointOf(updater, 3);
  checkpoint.model = Copies(checkpoint.model);  // They share storage with the model in training.
  checkpoint.optimizer = Copies(checkpoint.optimizer);

  const Transformer other_model = NewModel(2);
  Updater other = NewUpdater(other_model);
  other.trained().Restore(checkpoint, /*num_updates=*/3, "a checkpoint");
  other.tally().Set(updater.tally().Read());
  for (int64_t step = 4; step <= 6; ++step) {
    updater.Step(step, TwoBatches(step));
    other.Step(step, TwoBatches(step));
  }
  const Checkpoint end = CheckpointOf(updater, 6);
  const Checkpoint other_end = CheckpointOf(other, 6);
  EXPECT_TRUE(AreSame(other_end.model, end.model));
  EXPECT_TRUE(AreSame(other_end.optimizer, end.optimizer));
  EXPECT_EQ(other.tally().Read().loss, updater.tally().Read().loss);
  EXPECT_EQ(other.tally().Read().tokens, updater.tally().Read().tokens);
}

TEST_F(UpdateTest, TheAverageIsTheModelForAWhile) {
  const Transformer model = NewModel(1);
  Updater updater = NewUpdater(model);
  for (int64_t step = 1; step <= 3; ++step) updater.Step(step, TwoBatches(step));
  const NamedTensors weights = Copies(ParametersOf(*model));
  const NamedTensors average = Copies(CheckpointOf(updater, 3).model);
  {
    const auto applied = updater.trained().ApplyAverage();
    EXPECT_TRUE(AreSame(StateOf(*model), average));
    EXPECT_FALSE(AreSame(ParametersOf(*model), weights));
  }
  EXPECT_TRUE(AreSame(ParametersOf(*model), weights));
  config_.training.ema_decay = 0.0;
  EXPECT_FALSE(NewUpdater(model).trained().ApplyAverage());
}

TEST_F(UpdateTest, ABadLossChangesNothing) {
  const Transformer model = NewModel(1);
  Updater updater = NewUpdater(model);
  updater.Step(1, TwoBatches(1));
  const Checkpoint before = CheckpointOf(updater, 1);
  const NamedTensors optimizer = Copies(before.optimizer);
  torch::Tensor weight = model->named_parameters()["encoder.layers.0.feed_forward.in_proj.weight"];
  const torch::Tensor good = weight.detach().clone();
  {
    const torch::NoGradGuard no_grad;
    weight.fill_(std::numeric_limits<float>::infinity());
  }
  updater.Step(2, TwoBatches(2));
  EXPECT_EQ(updater.tally().Read().skipped_in_a_row, 1);
  EXPECT_NE(updater.FindNotFinite().find("encoder.layers.0.feed_forward.in_proj.weight"),
            std::string::npos)
      << updater.FindNotFinite();
  {
    const torch::NoGradGuard no_grad;
    weight.copy_(good);
  }
  EXPECT_TRUE(AreSame(CheckpointOf(updater, 1).optimizer, optimizer));
}

}  // namespace
}  // namespace wavemt
