#include "training/updater.h"

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

class UpdaterTest : public testing::Test {
 protected:
  Transformer NewModel(uint64_t seed) const {
    torch::manual_seed(seed);
    const int64_t vocabulary = CopyTaskTokenizers().source->vocab_size();
    return Transformer(config_.model, VocabularySizes{.source = vocabulary, .target = vocabulary});
  }

  Updater NewUpdater(const Transformer& model) const {
    return Updater(config_, model, torch::kCPU, MemoryLimit());
  }

  std::vector<Batch> TwoBatches(int64_t step) const {
    const SpecialTokens& special = CopyTaskTokenizers().source->special();
    const auto first = static_cast<uint32_t>(step % 4) * 4;
    const std::vector<uint32_t> pairs = {first, first + 1, first + 2, first + 3};
    return {MakeBatch(corpus_, std::span(pairs).first(3), special, special),
            MakeBatch(corpus_, std::span(pairs).last(1), special, special)};
  }

  // The counts that a trainer keeps, after so many good steps.
  static TrainingState StateAt(int64_t step, Updater& updater) {
    const StepTally::Sums sums = updater.tally().Read();
    TrainingState state;
    state.step = step;
    state.interval_loss = sums.loss;
    state.interval_tokens = sums.tokens;
    return state;
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

TEST_F(UpdaterTest, CountsLossAndTokens) {
  const Transformer model = NewModel(1);
  Updater updater = NewUpdater(model);
  updater.Step(1, TwoBatches(1));
  const StepTally::Sums sums = updater.tally().Read();
  EXPECT_EQ(sums.tokens, TargetTokens(TwoBatches(1)));
  // A model that knows nothing: about the logarithm of its vocabulary a token.
  EXPECT_NEAR(sums.loss / static_cast<double>(sums.tokens), std::log(24.0), 0.7);
  EXPECT_GT(updater.gradient_norm().item<double>(), 0.0);
}

TEST_F(UpdaterTest, AnotherUpdaterGoesOnFromItsCheckpoint) {
  const Transformer model = NewModel(1);
  Updater updater = NewUpdater(model);
  for (int64_t step = 1; step <= 3; ++step) updater.Step(step, TwoBatches(step));
  const TrainingState state = StateAt(3, updater);
  Checkpoint checkpoint = updater.MakeCheckpoint(state);
  checkpoint.model = Copies(checkpoint.model);  // They are those of the model in training.
  checkpoint.optimizer = Copies(checkpoint.optimizer);

  const Transformer other_model = NewModel(2);
  Updater other = NewUpdater(other_model);
  other.Restore(checkpoint, state, "a checkpoint");
  for (int64_t step = 4; step <= 6; ++step) {
    updater.Step(step, TwoBatches(step));
    other.Step(step, TwoBatches(step));
  }
  const Checkpoint end = updater.MakeCheckpoint(StateAt(6, updater));
  const Checkpoint other_end = other.MakeCheckpoint(StateAt(6, other));
  EXPECT_TRUE(AreSame(other_end.model, end.model));
  EXPECT_TRUE(AreSame(other_end.optimizer, end.optimizer));
  EXPECT_EQ(other_end.state, end.state);
}

TEST_F(UpdaterTest, TheAverageIsTheModelForAWhile) {
  const Transformer model = NewModel(1);
  Updater updater = NewUpdater(model);
  for (int64_t step = 1; step <= 3; ++step) updater.Step(step, TwoBatches(step));
  const NamedTensors weights = Copies(ParametersOf(*model));
  const NamedTensors average = Copies(updater.MakeCheckpoint(StateAt(3, updater)).model);
  {
    const auto applied = updater.ApplyAverage();
    EXPECT_TRUE(AreSame(StateOf(*model), average));
    EXPECT_FALSE(AreSame(ParametersOf(*model), weights));
  }
  EXPECT_TRUE(AreSame(ParametersOf(*model), weights));
  config_.training.ema_decay = 0.0;
  EXPECT_FALSE(NewUpdater(model).ApplyAverage());
}

TEST_F(UpdaterTest, ABadLossChangesNothing) {
  const Transformer model = NewModel(1);
  Updater updater = NewUpdater(model);
  updater.Step(1, TwoBatches(1));
  const Checkpoint before = updater.MakeCheckpoint(StateAt(1, updater));
  const NamedTensors optimizer = Copies(before.optimizer);
  torch::Tensor weight = model->named_parameters()["encoder.layers.0.feed_forward.in_proj.weight"];
  const torch::Tensor good = weight.detach().clone();
  {
    const torch::NoGradGuard no_grad;
    weight.fill_(std::numeric_limits<float>::infinity());
  }
  updater.Step(2, TwoBatches(2));
  EXPECT_EQ(updater.tally().Read().skipped_in_a_row, 1);
  EXPECT_NE(updater.WhereNotFinite().find("encoder.layers.0.feed_forward.in_proj.weight"),
            std::string::npos)
      << updater.WhereNotFinite();
  {
    const torch::NoGradGuard no_grad;
    weight.copy_(good);
  }
  EXPECT_TRUE(AreSame(updater.MakeCheckpoint(StateAt(1, updater)).optimizer, optimizer));
}

}  // namespace
}  // namespace wavemt
