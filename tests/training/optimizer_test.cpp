#include "training/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "config/config_fields.h"

namespace wavemt {
namespace {

NamedTensors RandomParameters() {
  torch::manual_seed(4);
  NamedTensors parameters;
  parameters["matrix"] = torch::randn({5, 3});
  parameters["cube"] = torch::randn({2, 3, 4});
  parameters["vector"] = torch::randn({7});
  for (auto& [name, tensor] : parameters) tensor.requires_grad_();
  return parameters;
}

NamedTensors CopyOf(const NamedTensors& tensors) {
  NamedTensors copy;
  for (const auto& [name, tensor] : tensors) copy[name] = tensor.detach().clone().requires_grad_();
  return copy;
}

// Sets the same random gradients for both.
void SetGradients(const NamedTensors& a, const NamedTensors& b, double scale = 1.0) {
  for (const auto& [name, tensor] : a) {
    const auto gradient = scale * torch::randn_like(tensor.detach());
    a.at(name).mutable_grad() = gradient;
    b.at(name).mutable_grad() = gradient.clone();
  }
}

std::vector<torch::Tensor> ValuesOf(const NamedTensors& tensors) {
  std::vector<torch::Tensor> values;
  for (const auto& [name, tensor] : tensors) values.push_back(tensor);
  return values;
}

void ExpectClose(const NamedTensors& ours, const NamedTensors& theirs, const std::string& when) {
  for (const auto& [name, tensor] : ours) {
    EXPECT_TRUE(torch::allclose(tensor, theirs.at(name), 1e-5, 1e-6)) << name << " " << when;
  }
}

// LibTorch's own optimizer, with weight decay only for the matrices.
std::unique_ptr<torch::optim::Optimizer> Reference(const NamedTensors& parameters,
                                                   const OptimizerConfig& config,
                                                   double learning_rate) {
  const auto make = [&](auto options, auto* optimizer_type) {
    using Options = decltype(options);
    using Optimizer = std::remove_pointer_t<decltype(optimizer_type)>;
    options.betas({config.beta1, config.beta2}).eps(config.epsilon);
    std::vector<torch::optim::OptimizerParamGroup> groups;
    for (const auto& [name, parameter] : parameters) {
      Options group = options;
      group.weight_decay(name == "vector" ? 0.0 : config.weight_decay);
      groups.emplace_back(std::vector<torch::Tensor>{parameter}, std::make_unique<Options>(group));
    }
    return std::unique_ptr<torch::optim::Optimizer>(std::make_unique<Optimizer>(groups, options));
  };
  using torch::optim::Adam;
  using torch::optim::AdamOptions;
  using torch::optim::AdamW;
  using torch::optim::AdamWOptions;
  if (config.type == OptimizerType::kAdam) {
    return make(AdamOptions(learning_rate), static_cast<Adam*>(nullptr));
  }
  return make(AdamWOptions(learning_rate), static_cast<AdamW*>(nullptr));
}

class OptimizerTest : public testing::TestWithParam<OptimizerType> {
 protected:
  OptimizerTest() {
    config_.type = GetParam();
    config_.weight_decay = 0.1;
    config_.epsilon = 1e-8;
  }

  OptimizerConfig config_;
  NamedTensors ours_ = RandomParameters();
  NamedTensors theirs_ = CopyOf(ours_);
};

// Returns the norm of the gradient before clipping.
torch::Tensor ClippedStep(Optimizer& optimizer, double learning_rate, double clip_norm,
                          const torch::Tensor& found_inf = {}) {
  torch::Tensor norm = optimizer.GradientNorm();
  optimizer.ClipGradients(norm, clip_norm, found_inf);
  optimizer.Step(learning_rate, found_inf);
  return norm;
}

TEST_P(OptimizerTest, StepsAsLibTorchs) {
  Optimizer optimizer(ours_, config_);
  const auto reference = Reference(theirs_, config_, 0.01);
  for (int step = 1; step <= 20; ++step) {
    SetGradients(ours_, theirs_);
    optimizer.Step(0.01);
    reference->step();
    ExpectClose(ours_, theirs_, "after step " + std::to_string(step));
  }
  EXPECT_EQ(optimizer.steps(), 20);
}

TEST_P(OptimizerTest, ClipsAsLibTorchs) {
  Optimizer optimizer(ours_, config_);
  const auto reference = Reference(theirs_, config_, 0.01);
  for (const double scale : {10.0, 0.001, 3.0, 0.1}) {
    SetGradients(ours_, theirs_, scale);
    const auto norm = ClippedStep(optimizer, 0.01, 1.5);
    const double expected = torch::nn::utils::clip_grad_norm_(ValuesOf(theirs_), 1.5);
    reference->step();
    EXPECT_NEAR(norm.item<double>() / expected, 1.0, 1e-6);
    ExpectClose(ours_, theirs_, "after gradients of scale " + std::to_string(scale));
  }
}

TEST_P(OptimizerTest, TakesTheLearningRateOfEachStep) {
  Optimizer optimizer(ours_, config_);
  SetGradients(ours_, theirs_);
  optimizer.Step(0.0);
  ExpectClose(ours_, theirs_, "after a step of size 0");
  SetGradients(ours_, theirs_);
  optimizer.Step(0.1);
  EXPECT_FALSE(torch::allclose(ours_.at("vector"), theirs_.at("vector")));
}

TEST_P(OptimizerTest, DecaysMatricesButNoVectors) {
  Optimizer optimizer(ours_, config_);
  for (const auto& [name, tensor] : ours_) {
    tensor.mutable_grad() = torch::zeros_like(tensor.detach());
  }
  optimizer.Step(0.01);
  EXPECT_TRUE(torch::equal(ours_.at("vector"), theirs_.at("vector")));
  for (const auto* name : {"matrix", "cube"}) {
    EXPECT_LT(ours_.at(name).norm().item<double>(), theirs_.at(name).norm().item<double>());
  }
}

TEST_P(OptimizerTest, GoesOnFromItsState) {
  Optimizer optimizer(ours_, config_);
  for (int step = 0; step < 3; ++step) {
    SetGradients(ours_, theirs_);
    ClippedStep(optimizer, 0.01, 1.0);
  }
  const NamedTensors restored = CopyOf(ours_);
  Optimizer other(restored, config_);
  CopyTensors(optimizer.State(), other.State(), "state");
  other.set_steps(optimizer.steps());
  EXPECT_EQ(other.steps(), 3);
  for (int step = 0; step < 3; ++step) {
    SetGradients(ours_, restored);
    ClippedStep(optimizer, 0.01, 1.0);
    ClippedStep(other, 0.01, 1.0);
  }
  for (const auto& [name, tensor] : ours_) {
    EXPECT_TRUE(torch::equal(tensor, restored.at(name))) << name;
  }
}

// The way a GPU skips an update without waiting, with LibTorch's CPU kernels.
TEST_P(OptimizerTest, FoundInfLeavesTheUpdateOut) {
  Optimizer optimizer(ours_, config_);
  Optimizer reference(theirs_, config_);
  for (const bool finite : {true, false, true}) {
    optimizer.ZeroGradients();
    reference.ZeroGradients();
    SetGradients(ours_, theirs_);
    if (!finite) ours_.at("vector").mutable_grad()[0] = std::numeric_limits<float>::infinity();
    const auto norm = optimizer.GradientNorm();
    EXPECT_EQ(std::isfinite(norm.item<double>()), finite);
    ClippedStep(optimizer, 0.01, 1.0, torch::isfinite(norm).logical_not().to(torch::kFloat));
    if (finite) ClippedStep(reference, 0.01, 1.0);
  }
  EXPECT_EQ(optimizer.steps(), 2);
  for (const auto& [name, tensor] : ours_) EXPECT_TRUE(torch::equal(tensor, theirs_.at(name)));
  const NamedTensors expected = reference.State();
  for (const auto& [name, tensor] : optimizer.State()) {
    EXPECT_TRUE(torch::equal(tensor, expected.at(name))) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, OptimizerTest,
                         testing::Values(OptimizerType::kAdam, OptimizerType::kAdamW),
                         [](const auto& info) { return std::string(NameOf(info.param)); });

TEST(Optimizer, NamesItsMoments) {
  const Optimizer optimizer(RandomParameters(), {});
  std::vector<std::string> names;
  for (const auto& [name, tensor] : optimizer.State()) {
    names.push_back(name);
    EXPECT_FALSE(tensor.requires_grad()) << name;
    EXPECT_EQ(tensor.abs().sum().item<double>(), 0.0) << name;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"exp_avg.cube", "exp_avg.matrix", "exp_avg.vector",
                                             "exp_avg_sq.cube", "exp_avg_sq.matrix",
                                             "exp_avg_sq.vector"}));
}

TEST(Optimizer, KeepsTheStorageOfParametersAndState) {
  const NamedTensors parameters = RandomParameters();
  Optimizer optimizer(parameters, {});
  const void* parameter = parameters.at("matrix").data_ptr();
  const torch::Tensor moment = optimizer.State().at("exp_avg.matrix");
  SetGradients(parameters, parameters);
  ClippedStep(optimizer, 0.01, 1.0);
  EXPECT_EQ(parameters.at("matrix").data_ptr(), parameter);
  EXPECT_GT(moment.abs().sum().item<double>(), 0.0);
  EXPECT_TRUE(parameters.at("matrix").requires_grad());
}

TEST(Optimizer, FreesItsMemory) {
  const NamedTensors parameters = RandomParameters();
  Optimizer optimizer(parameters, {});
  SetGradients(parameters, parameters);
  ClippedStep(optimizer, 0.01, 1.0);
  const NamedTensors moments = optimizer.State();
  optimizer.Free();
  for (const auto& [name, parameter] : parameters) EXPECT_FALSE(parameter.grad().defined());
  for (const auto& [name, moment] : moments) {
    EXPECT_EQ(moment.storage().nbytes(), sizeof(float)) << name;
  }
}

TEST(Optimizer, ForgetsGradients) {
  const NamedTensors parameters = RandomParameters();
  Optimizer optimizer(parameters, {});
  (parameters.at("matrix").sum() * 2).backward();
  optimizer.ZeroGradients();
  parameters.at("matrix").sum().backward();
  EXPECT_TRUE(torch::equal(parameters.at("matrix").grad(), torch::ones({5, 3})));
}

}  // namespace
}  // namespace wavemt
