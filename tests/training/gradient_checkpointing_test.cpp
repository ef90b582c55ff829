// training.gradient_checkpointing: what an update does with it and without.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "../distributed/ranks_of_threads.h"
#include "checkpoint/named_tensors.h"
#include "copy_task_model.h"
#include "failing_allocator.h"
#include "training/tensor_memory.h"
#include "training/update.h"

namespace wavemt {
namespace {

class GradientCheckpointingTest : public testing::Test {
 protected:
  GradientCheckpointingTest() {
    spdlog::set_level(spdlog::level::err);
    config_.model = CopyTaskModelConfig();
    config_.model.num_encoder_layers = 3;
    config_.model.num_decoder_layers = 3;
    config_.model.dropout = 0.2;
    config_.model.attention_dropout = 0.1;
  }
  ~GradientCheckpointingTest() override {
    TensorMemory::SetLimit(kPlenty);
    spdlog::set_level(spdlog::level::info);
  }

  static constexpr int64_t kPlenty = int64_t{1} << 60;  // As a limit.

  static void Clear(const Transformer& model) {
    for (torch::Tensor& parameter : model->parameters()) parameter.mutable_grad().reset();
  }

  // Of all parameters, in one vector.
  static torch::Tensor GradientOf(const Transformer& model) {
    std::vector<torch::Tensor> gradients;
    for (const auto& [name, parameter] : ParametersOf(*model)) {
      gradients.push_back(parameter.grad().clone().flatten());
    }
    return torch::cat(gradients);
  }

  static ForwardBackward PassOf(const Transformer& model, bool checkpointing,
                                const std::shared_ptr<World>& world = std::make_shared<World>()) {
    return {model,
            {.loss = {.label_smoothing = 0.1, .gradient_checkpointing = checkpointing},
             .seed = 5,
             .memory_name = "the memory of the test",
             .world = world,
             .sum = {.bucket_bytes = 2000}}};
  }

  // The weights after three updates of two batches.
  std::vector<torch::Tensor> Trained(bool checkpointing) {
    config_.training.gradient_checkpointing = checkpointing;
    Transformer model = CopyTaskModel(config_.model);
    Updater updater(config_, model, torch::kCPU);
    for (int64_t step = 1; step <= 3; ++step) {
      const auto seed = static_cast<uint64_t>(step);
      updater.Step(step, std::vector<Batch>{CopyTaskBatch(7, seed), CopyTaskBatch(4, seed + 9)});
    }
    EXPECT_EQ(updater.tally().Read().skipped, 0);
    std::vector<torch::Tensor> weights;
    for (const auto& [name, parameter] : ParametersOf(*model)) {
      weights.push_back(parameter.detach().clone());
    }
    return weights;
  }

  void ExpectTheSameTraining() {
    const std::vector<torch::Tensor> plain = Trained(false);
    const std::vector<torch::Tensor> checkpointed = Trained(true);
    for (size_t i = 0; i < plain.size(); ++i) {
      EXPECT_TRUE(torch::equal(checkpointed[i], plain[i])) << i;
    }
  }

  Config config_;
};

TEST_F(GradientCheckpointingTest, UpdatesAreTheSameToTheByte) {
  for (const double alpha : {0.0, 5.0}) {
    for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
      config_.training.r_drop.alpha = alpha;
      config_.training.precision = precision;
      ExpectTheSameTraining();
    }
  }
}

// What the graph of a forward pass holds: with it, little more than the input of each layer.
TEST_F(GradientCheckpointingTest, KeepsLess) {
  TensorMemory::BeginCounting();
  config_.model.num_encoder_layers = config_.model.num_decoder_layers = 6;
  Transformer model = CopyTaskModel(config_.model);
  const Batch batch = CopyTaskBatch(60, 1);
  const auto kept = [&](bool checkpointing) {
    const int64_t before = TensorMemory::InUse();
    const auto loss =
        BatchLoss(model, batch, {.device = torch::kCPU, .gradient_checkpointing = checkpointing});
    return TensorMemory::InUse() - before;
  };
  EXPECT_LT(4 * kept(true), kept(false));
}

// The whole update, with the layer that is computed again and the gradients.
TEST_F(GradientCheckpointingTest, FitsALimitThatSplitsTheBatchWithoutIt) {
  TensorMemory::BeginCounting();
  config_.model.num_encoder_layers = config_.model.num_decoder_layers = 6;
  Transformer model = CopyTaskModel(config_.model);
  const std::vector<Batch> batches = {CopyTaskBatch(60, 1)};
  const auto gradient = [&](bool checkpointing, int64_t limit) {
    ForwardBackward pass = PassOf(model, checkpointing);
    Clear(model);
    TensorMemory::SetLimit(limit);
    pass.Run(/*step=*/1, batches, [&] { Clear(model); });
    TensorMemory::SetLimit(kPlenty);
    return GradientOf(model);
  };
  const torch::Tensor whole = gradient(false, kPlenty);
  Clear(model);
  // It takes 9.1 MB without it, and 1.8 MB with it.
  const int64_t limit = TensorMemory::InUse() + 3'000'000;
  // With dropout, halves draw their own numbers.
  EXPECT_FALSE(torch::equal(gradient(false, limit), whole));
  EXPECT_TRUE(torch::equal(gradient(true, limit), whole));
}

// At every allocation in turn, those of layers that are computed again among them.
TEST_F(GradientCheckpointingTest, WhereverMemoryRunsOut) {
  config_.model.dropout = config_.model.attention_dropout = 0.0;
  config_.model.num_encoder_layers = config_.model.num_decoder_layers = 1;
  Transformer model = CopyTaskModel(config_.model);
  const std::vector<Batch> batches = {CopyTaskBatch(5, 1), CopyTaskBatch(4, 2)};
  const auto run = [&](bool checkpointing, int64_t fail_at) {
    ForwardBackward pass = PassOf(model, checkpointing);
    FailingAllocator allocator;
    allocator.FailAt(fail_at);
    pass.Run(/*step=*/7, batches, [&] { Clear(model); });
    allocator.StopFailing();
    return std::pair(GradientOf(model), allocator.failed());
  };
  const torch::Tensor whole = run(false, 0).first;
  int64_t num_allocations = 1;
  for (bool failed = true; failed; ++num_allocations) {
    torch::Tensor gradient;
    std::tie(gradient, failed) = run(true, num_allocations);
    ASSERT_LT(((gradient - whole).norm() / whole.norm()).item<double>(), 1e-6) << num_allocations;
  }
  EXPECT_GT(num_allocations, 400);
}

// Gradients are sent while the backward pass runs layers again. Without dropout, as in
// gradient_sum_test.cpp.
TEST_F(GradientCheckpointingTest, TheSumOfRanksIsTheSameToTheByte) {
  config_.model.dropout = config_.model.attention_dropout = 0.0;
  std::vector<torch::Tensor> sums;
  for (const bool checkpointing : {false, true}) {
    const Transformer models[] = {CopyTaskModel(config_.model), CopyTaskModel(config_.model)};
    OnRanks(2, [&](const auto& world) {
      const Transformer& model = models[world->rank()];
      const auto first = static_cast<uint64_t>(world->rank());
      UpdateBatches share;
      share.batches = {CopyTaskBatch(5, first), CopyTaskBatch(4, first + 2)};
      share.numbers = {first, first + 2};
      share.target_tokens = 100;
      PassOf(model, checkpointing, world).Run(7, share, [&] { Clear(model); });
    });
    EXPECT_TRUE(torch::equal(GradientOf(models[0]), GradientOf(models[1])));
    sums.push_back(GradientOf(models[0]));
  }
  EXPECT_TRUE(torch::equal(sums[1], sums[0]));
}

TEST_F(GradientCheckpointingTest, NumbersThatAreNotFiniteAreFound) {
  config_.training.gradient_checkpointing = true;
  Transformer model = CopyTaskModel(config_.model);
  {
    const torch::NoGradGuard no_grad;
    model->named_parameters()["decoder.layers.1.feed_forward.out_proj.weight"].fill_(3e38);
  }
  Updater updater(config_, model, torch::kCPU);
  updater.Step(1, std::vector<Batch>{CopyTaskBatch(7, 1)});
  EXPECT_EQ(updater.tally().Read().skipped, 1);
  EXPECT_EQ(updater.FindNotFinite(),
            "the first layer with a result that is not finite is "
            "decoder.layers.1.feed_forward.out_proj");
}

}  // namespace
}  // namespace wavemt
