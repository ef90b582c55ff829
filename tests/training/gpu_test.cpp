// A GPU computes what the CPU computes. Skipped if there is no GPU.
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "data/batch.h"
#include "trainer_fixture.h"
#include "training/loss.h"
#include "training/update.h"

namespace wavemt {
namespace {

class GpuTest : public TrainerFixture {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "there is no GPU";
    at::globalContext().setSDPUseCuDNN(false);  // As in SelectDevice().
    config_.model.num_encoder_layers = 2;
    config_.model.num_decoder_layers = 2;
    config_.training.label_smoothing = 0.1;
  }

  Transformer NewModel(torch::Device device) const {
    torch::manual_seed(4);
    const int64_t vocabulary = CopyTaskTokenizers().source->vocab_size();
    Transformer model(config_.model, VocabularySizes{.source = vocabulary, .target = vocabulary});
    model->to(device);
    return model;
  }

  // Pairs of different lengths, so that both sides have padding.
  std::vector<Batch> TwoBatches(int64_t step) const {
    const SpecialTokens& special = CopyTaskTokenizers().source->special();
    const auto first = static_cast<uint32_t>(step % 4) * 10;
    std::vector<uint32_t> pairs(10);
    std::iota(pairs.begin(), pairs.end(), first);
    return {MakeBatch(corpus_, std::span(pairs).first(7), special, special),
            MakeBatch(corpus_, std::span(pairs).last(3), special, special)};
  }

  struct Pass {
    double loss = 0;
    torch::Tensor gradient;  // Of all parameters, in one vector on the CPU.
  };

  Pass Run(torch::Device device, Precision precision) const {
    Transformer model = NewModel(device);
    ForwardBackward pass(
        model, {.loss = {.device = device,
                         .precision = precision,
                         .label_smoothing = config_.training.label_smoothing,
                         .gradient_checkpointing = config_.training.gradient_checkpointing},
                .seed = 5,
                .memory_name = "the memory of the test"});
    const double loss = pass.Run(1, TwoBatches(1), [] {}).item<double>();
    std::vector<torch::Tensor> gradients;
    for (const auto& [name, parameter] : ParametersOf(*model)) {
      gradients.push_back(parameter.grad().flatten().to(torch::kCPU));
    }
    return {.loss = loss, .gradient = torch::cat(gradients)};
  }

  static double Difference(const torch::Tensor& a, const torch::Tensor& reference) {
    return ((a - reference).norm() / reference.norm()).item<double>();
  }

  Config config_ = SmallConfig();
};

TEST_F(GpuTest, LossAndGradientAreThoseOfTheCpu) {
  for (const auto layer_norm : {LayerNormPlacement::kPre, LayerNormPlacement::kPost}) {
    config_.model.layer_norm = layer_norm;
    const Pass cpu = Run(torch::kCPU, Precision::kFp32);
    const Pass gpu = Run(torch::kCUDA, Precision::kFp32);
    EXPECT_NEAR(gpu.loss, cpu.loss, 1e-5 * cpu.loss);
    EXPECT_LT(Difference(gpu.gradient, cpu.gradient), 1e-4);
  }
}

TEST_F(GpuTest, Bfloat16IsNearFp32) {
  const Pass cpu = Run(torch::kCPU, Precision::kFp32);
  const Pass gpu = Run(torch::kCUDA, Precision::kBf16);
  EXPECT_NEAR(gpu.loss, cpu.loss, 1e-2 * cpu.loss);
  EXPECT_LT(Difference(gpu.gradient, cpu.gradient), 5e-2);
  EXPECT_GT(Difference(gpu.gradient, cpu.gradient), 1e-5);  // bf16 is really used.
}

// The layers run again on the thread of the GPU's backward pass. LibTorch does not promise the
// bytes of its gradients there.
TEST_F(GpuTest, GradientCheckpointingChangesNothing) {
  config_.model.dropout = 0.3;
  config_.model.attention_dropout = 0.1;
  for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
    config_.training.gradient_checkpointing = false;
    const Pass plain = Run(torch::kCUDA, precision);
    const torch::Tensor next = torch::rand({5}, torch::kCUDA);
    config_.training.gradient_checkpointing = true;
    const Pass checkpointed = Run(torch::kCUDA, precision);
    EXPECT_EQ(checkpointed.loss, plain.loss);
    EXPECT_LT(Difference(checkpointed.gradient, plain.gradient), 1e-5);
    EXPECT_TRUE(torch::equal(torch::rand({5}, torch::kCUDA), next));
  }
}

TEST_F(GpuTest, RDropIsThatOfTheCpu) {
  torch::manual_seed(4);  // Enough rows for several blocks on both devices.
  const auto hidden = torch::randn({8, 20, 16});
  const auto weight = torch::randn({300'000, 16});
  auto labels = torch::randint(0, weight.size(0), {4, 20}, torch::kLong);
  labels.masked_fill_(torch::rand({4, 20}) < 0.3, kIgnoredLabel);
  const auto label_weights = torch::rand({4, 20});
  std::vector<double> losses;
  std::vector<torch::Tensor> gradients;
  for (const torch::Device device : {torch::Device(torch::kCPU), torch::Device(torch::kCUDA)}) {
    const auto input = hidden.to(device).detach().requires_grad_();
    const auto loss =
        ProjectedCrossEntropy(input, weight.to(device),
                              {.labels = torch::cat({labels, labels}).to(device),
                               .weights = torch::cat({label_weights, label_weights}).to(device)},
                              {.label_smoothing = 0.1, .r_drop_alpha = 5.0});
    loss.backward();
    losses.push_back(loss.item<double>());
    gradients.push_back(input.grad().to(torch::kCPU));
  }
  EXPECT_NEAR(losses[1], losses[0], 1e-5 * losses[0]);
  EXPECT_LT(Difference(gradients[1], gradients[0]), 1e-4);
}

TEST_F(GpuTest, UpdatesWithRDropAreFinite) {
  config_.model.dropout = 0.3;
  config_.training.r_drop.alpha = 5.0;
  for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
    config_.training.precision = precision;
    Transformer model = NewModel(torch::kCUDA);
    Updater updater(config_, model, torch::kCUDA);
    for (int64_t step = 1; step <= 3; ++step) updater.Step(step, TwoBatches(step));
    EXPECT_EQ(updater.tally().Read().skipped, 0);
  }
}

TEST_F(GpuTest, UpdatesAreThoseOfTheCpu) {
  config_.training.ema_decay = 0.9;
  config_.training.optimizer.weight_decay = 0.1;
  std::vector<double> losses;
  std::vector<torch::Tensor> norms;
  for (const torch::Device device : {torch::Device(torch::kCPU), torch::Device(torch::kCUDA)}) {
    Transformer model = NewModel(device);
    Updater updater(config_, model, device);
    for (int64_t step = 1; step <= 10; ++step) updater.Step(step, TwoBatches(step));
    losses.push_back(updater.tally().Read().loss);
    norms.push_back(updater.gradient_norm().to(torch::kCPU));
    EXPECT_EQ(updater.tally().Read().skipped, 0);
  }
  EXPECT_NEAR(losses[1], losses[0], 1e-4 * losses[0]);
  EXPECT_LT(Difference(norms[1], norms[0]), 1e-2);
}

TEST_F(GpuTest, DropoutIsAFunctionOfSeedAndStep) {
  config_.model.dropout = 0.3;
  Transformer model = NewModel(torch::kCUDA);
  ForwardBackward pass(model, {.loss = {.device = torch::kCUDA}, .seed = 5, .memory_name = "test"});
  const auto loss = [&](int64_t step) {
    return pass.Run(step, TwoBatches(1), [] {}).item<double>();
  };
  const double first = loss(1);
  EXPECT_NE(loss(2), first);
  EXPECT_EQ(loss(1), first);
}

TEST_F(GpuTest, WhatIsNotFiniteChangesNothing) {
  config_.training.ema_decay = 0.9;
  Transformer model = NewModel(torch::kCUDA);
  Updater updater(config_, model, torch::kCUDA);
  updater.Step(1, TwoBatches(1));
  {
    const torch::NoGradGuard no_grad;
    model->encoder->layers[0]->as<EncoderLayer>()->self_attention->out_proj->bias[0] =
        std::numeric_limits<float>::infinity();
  }
  const auto copies = [&] {
    std::vector<torch::Tensor> result;
    for (const auto& [name, parameter] : ParametersOf(*model)) {
      result.push_back(parameter.detach().clone());
    }
    return result;
  };
  const std::vector<torch::Tensor> before = copies();
  updater.Step(2, TwoBatches(2));
  EXPECT_EQ(updater.tally().Read().skipped, 1);
  EXPECT_EQ(updater.tally().Read().skipped_in_a_row, 1);
  EXPECT_NE(updater.FindNotFinite().find("out_proj.bias"), std::string::npos);
  const std::vector<torch::Tensor> after = copies();
  for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(torch::equal(after[i], before[i]));
}

TEST_F(GpuTest, HalfAndHalfIsTheWhole) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
    const std::string name = precision == Precision::kBf16 ? "bf16" : "fp32";
    SCOPED_TRACE(name);
    Config config = config_;
    config.model.dropout = 0.2;
    config.model.attention_dropout = 0.1;
    config.training.precision = precision;
    config.training.gradient_accumulation = 2;
    config.training.ema_decay = 0.9;
    config.training.max_steps = 12;
    device_ = torch::kCUDA;
    const Outcome whole = Train("whole-" + name, config);
    config.training.max_steps = 6;
    Train("half-" + name, config);
    config.training.max_steps = 12;
    RunSetup from_half;
    from_half.restore_step = 6;
    from_half.weights_seed = 99;
    const Outcome resumed = Train("half-" + name, config, from_half);
    EXPECT_EQ(Bytes(resumed.run, 12, kModelFile), Bytes(whole.run, 12, kModelFile));
    EXPECT_EQ(Bytes(resumed.run, 12, kOptimizerFile), Bytes(whole.run, 12, kOptimizerFile));
  }
}

}  // namespace
}  // namespace wavemt
