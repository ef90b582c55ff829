#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <vector>

#include "checkpoint/named_tensors.h"
#include "copy_task_model.h"
#include "failing_allocator.h"
#include "training/device_batch.h"
#include "training/update.h"

namespace wavemt {
namespace {

// R-Drop of a model and a batch.
class RDropPassTest : public testing::Test {
 protected:
  struct Pass {
    double loss = 0;
    torch::Tensor gradient{};  // Of all parameters, in one vector.
  };

  RDropPassTest() { spdlog::set_level(spdlog::level::err); }
  ~RDropPassTest() override { spdlog::set_level(spdlog::level::info); }

  Pass Run(const Batch& batch, double alpha, FailingAllocator* allocator = nullptr) const {
    Transformer model = CopyTaskModel(config_);
    ForwardBackward pass(model, {.loss = {.label_smoothing = 0.1, .r_drop_alpha = alpha},
                                 .seed = 5,
                                 .memory_name = "the memory of the test"});
    const torch::Tensor loss = pass.Run(1, std::vector<Batch>{batch}, [&] {
      for (torch::Tensor& parameter : model->parameters()) parameter.mutable_grad().reset();
    });
    if (allocator != nullptr) allocator->StopFailing();
    std::vector<torch::Tensor> gradients;
    for (const auto& [name, parameter] : ParametersOf(*model)) {
      gradients.push_back(parameter.grad().clone().flatten());
    }
    return {.loss = loss.item<double>(), .gradient = torch::cat(gradients)};
  }

  static void ExpectClose(const Pass& ours, const Pass& theirs, double tolerance) {
    EXPECT_NEAR(ours.loss / theirs.loss, 1.0, tolerance);
    EXPECT_LT(((ours.gradient - theirs.gradient).norm() / theirs.gradient.norm()).item<double>(),
              tolerance);
  }

  ModelConfig config_ = CopyTaskModelConfig();  // Without dropout.
};

TEST_F(RDropPassTest, DoublesEveryPartOfABatch) {
  Batch batch = CopyTaskBatch(4, 1);
  for (const bool has_weights : {false, true}) {
    if (has_weights) batch.weights = {1.0F, 0.5F, 2.0F, 0.0F};
    const DeviceBatch once = ToDevice(batch, torch::kCPU);
    const DeviceBatch twice = Doubled(once);
    ASSERT_TRUE(once.src_padding_mask.defined());
    EXPECT_EQ(twice.label_weights.defined(), has_weights);
    for (const auto part :
         {&DeviceBatch::source, &DeviceBatch::src_padding_mask, &DeviceBatch::target_input,
          &DeviceBatch::labels, &DeviceBatch::label_weights}) {
      if (!(once.*part).defined()) continue;
      ASSERT_EQ((twice.*part).size(0), 8);
      for (const torch::Tensor& half : (twice.*part).chunk(2)) {
        EXPECT_TRUE(torch::equal(half, once.*part));
      }
    }
  }
  EXPECT_FALSE(Doubled(ToDevice(CopyTaskBatch(1, 1), torch::kCPU)).src_padding_mask.defined());
}

// Two passes without dropout are the same, and a token counts once.
TEST_F(RDropPassTest, WithoutDropoutIsAPassWithoutRDrop) {
  Batch batch = CopyTaskBatch(7, 1);
  ExpectClose(Run(batch, 5.0), Run(batch, 0.0), 1e-5);
  batch.weights = {0.25F, 1.0F, 0.0F, 3.0F, 1.5F, 1.0F, 0.5F};
  ExpectClose(Run(batch, 5.0), Run(batch, 0.0), 1e-5);
}

TEST_F(RDropPassTest, HalvesGiveTheGradientOfTheWhole) {
  const Batch batch = CopyTaskBatch(13, 1);
  const Pass whole = Run(batch, 5.0);
  FailingAllocator allocator;
  allocator.FailFrom(6'000);
  const Pass split = Run(batch, 5.0, &allocator);
  EXPECT_TRUE(allocator.failed());
  ExpectClose(split, whole, 1e-5);
}

// The same seed gives the same dropout whatever alpha is, so the loss is a line over alpha, which
// rises because the two passes are different.
TEST_F(RDropPassTest, TheTwoPassesHaveDifferentDropout) {
  for (double ModelConfig::*const dropout :
       {&ModelConfig::dropout, &ModelConfig::attention_dropout, &ModelConfig::activation_dropout}) {
    config_ = CopyTaskModelConfig();
    config_.*dropout = 0.3;
    const Batch batch = CopyTaskBatch(7, 1);
    const double base = Run(batch, 1e-9).loss;
    const double rise = Run(batch, 100.0).loss - base;
    EXPECT_GT(rise, 1e-4 * base);
    EXPECT_NEAR((Run(batch, 200.0).loss - base) / rise, 2.0, 0.01);
  }
}

TEST_F(RDropPassTest, AnUpdateTakesItFromTheConfigAndCountsATokenOnce) {
  Config config;
  config.model = config_;
  config.model.dropout = 0.3;
  const Batch batch = CopyTaskBatch(7, 1);
  std::vector<double> losses;
  for (const double alpha : {1e-9, 100.0}) {
    config.training.r_drop.alpha = alpha;
    Updater updater(config, CopyTaskModel(config.model), torch::kCPU);
    updater.Step(1, std::vector<Batch>{batch});
    EXPECT_EQ(updater.tally().Read().tokens, batch.target_tokens);
    EXPECT_EQ(updater.tally().Read().skipped, 0);
    losses.push_back(updater.tally().Read().loss);
  }
  EXPECT_GT(losses[1], losses[0] * (1 + 1e-4));
}

}  // namespace
}  // namespace wavemt
