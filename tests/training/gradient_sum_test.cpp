#include "training/gradient_sum.h"

#include <gtest/gtest.h>

#include "../distributed/ranks_of_threads.h"
#include "checkpoint/named_tensors.h"
#include "copy_task_model.h"
#include "failing_allocator.h"
#include "support/error.h"
#include "support/logging.h"
#include "training/optimizer.h"
#include "training/update.h"

namespace wavemt {
namespace {

class GradientSumTest : public testing::Test {
 protected:
  GradientSumTest() { spdlog::set_level(spdlog::level::off); }
  ~GradientSumTest() override { spdlog::set_level(spdlog::level::info); }

  Transformer MakeModel() const { return CopyTaskModel(config_); }

  // Four batches; each of two ranks does two of them.
  static std::vector<Batch> FourBatches() {
    return {CopyTaskBatch(5, 1), CopyTaskBatch(4, 2), CopyTaskBatch(6, 3), CopyTaskBatch(3, 4)};
  }
  static UpdateBatches ShareOf(const World& world) {
    const std::vector<Batch> all = FourBatches();
    UpdateBatches share;
    share.target_tokens = TargetTokens(all);
    for (size_t i = static_cast<size_t>(world.rank()); i < all.size();
         i += static_cast<size_t>(world.size())) {
      share.batches.push_back(all[i]);
      share.numbers.push_back(i);
    }
    return share;
  }

  static ForwardBackward PassOf(const Transformer& model, const std::shared_ptr<World>& world,
                                const GradientSum::Options& sum) {
    return {model, {.seed = 5, .memory_name = "the memory", .world = world, .sum = sum}};
  }

  static torch::Tensor GradientOf(const Transformer& model) {
    std::vector<torch::Tensor> gradients;
    for (const auto& [name, parameter] : ParametersOf(*model)) {
      gradients.push_back(parameter.grad().clone().flatten());
    }
    return torch::cat(gradients);
  }

  static void Clear(const Transformer& model) {
    for (torch::Tensor& parameter : model->parameters()) parameter.mutable_grad().reset();
  }

  // What one process computes for all batches.
  std::pair<double, torch::Tensor> Alone() const {
    const Transformer model = MakeModel();
    ForwardBackward pass = PassOf(model, std::make_shared<World>(), {});
    const torch::Tensor loss = pass.Run(7, FourBatches(), [&] { Clear(model); });
    return {loss.item<double>(), GradientOf(model)};
  }

  static double RelativeError(const torch::Tensor& gradient, const torch::Tensor& expected) {
    return ((gradient - expected).norm() / expected.norm()).item<double>();
  }

  // Without dropout: it draws from the generator of the whole process, which ranks that are threads
  // cannot share. tests/end_to_end/test_distributed.py has it.
  ModelConfig config_ = CopyTaskModelConfig();
};

TEST_F(GradientSumTest, RanksComputeWhatOneProcessDoes) {
  const auto [loss, gradient] = Alone();
  // From a bucket for each parameter to a single one.
  for (const int64_t bucket_bytes : {int64_t{1}, int64_t{2000}, int64_t{1} << 30}) {
    SCOPED_TRACE(bucket_bytes);
    const Transformer models[] = {MakeModel(), MakeModel()};
    OnRanks(2, [&, &expected_loss = loss, &expected = gradient](const auto& world) {
      const Transformer& model = models[world->rank()];
      ForwardBackward pass = PassOf(model, world, {.bucket_bytes = bucket_bytes});
      for (int round = 0; round < 2; ++round) {
        const torch::Tensor sum = pass.Run(7, ShareOf(*world), [&] { Clear(model); });
        EXPECT_NEAR(sum.item<double>() / expected_loss, 1.0, 1e-6);
        EXPECT_LT(RelativeError(GradientOf(model), expected), 1e-6);
      }
      EXPECT_EQ(pass.sum_cost().bytes, 4 * expected.numel());
    });
    EXPECT_TRUE(torch::equal(GradientOf(models[0]), GradientOf(models[1])));
  }
}

TEST_F(GradientSumTest, Bf16IsHalfTheBytesAndAlmostTheSame) {
  const auto [loss, gradient] = Alone();
  const Transformer models[] = {MakeModel(), MakeModel()};
  OnRanks(2, [&, &expected = gradient](const auto& world) {
    const Transformer& model = models[world->rank()];
    ForwardBackward pass = PassOf(model, world, {.precision = AllReducePrecision::kBf16});
    pass.Run(7, ShareOf(*world), [&] { Clear(model); });
    EXPECT_LT(RelativeError(GradientOf(model), expected), 0.01);
    EXPECT_EQ(pass.sum_cost().bytes, 2 * expected.numel());
  });
}

TEST_F(GradientSumTest, MemoryThatRunsOutOnOneRank) {
  const auto [loss, gradient] = Alone();
  const Transformer models[] = {MakeModel(), MakeModel()};
  OnRanks(2, [&, &expected_loss = loss, &expected = gradient](const auto& world) {
    const Transformer& model = models[world->rank()];
    bool failed = true;
    for (int64_t allocation = 1; failed; allocation += 17) {
      ForwardBackward pass = PassOf(model, world, {.bucket_bytes = 2000});
      std::optional<FailingAllocator> allocator;
      if (world->rank() == 1) allocator.emplace().FailAt(allocation);
      world->AnyOf(true);
      const torch::Tensor sum = pass.Run(7, ShareOf(*world), [&] { Clear(model); });
      if (allocator) allocator->StopFailing();
      ASSERT_NEAR(sum.item<double>() / expected_loss, 1.0, 1e-6) << allocation;
      ASSERT_LT(RelativeError(GradientOf(model), expected), 1e-6) << allocation;
      failed = world->AnyOf(allocator && allocator->failed());
    }
  });
}

TEST_F(GradientSumTest, APairThatDoesNotFitOnOneRankEndsAll) {
  const Transformer models[] = {MakeModel(), MakeModel()};
  OnRanks(2, [&](const auto& world) {
    const Transformer& model = models[world->rank()];
    ForwardBackward pass = PassOf(model, world, {});
    std::optional<FailingAllocator> allocator;
    if (world->rank() == 1) allocator.emplace().FailFrom(300);
    world->AnyOf(true);
    std::string said;
    try {
      pass.Run(7, ShareOf(*world), [&] { Clear(model); });
    } catch (const Error& error) {
      said = error.what();
    }
    if (allocator) allocator->StopFailing();
    EXPECT_NE(said.find("step 7: a batch of a single pair, "), std::string::npos) << said;
    EXPECT_FALSE(pass.CanRepeat());
  });
}

TEST_F(GradientSumTest, AShardedOptimizerDoesTheSame) {
  const auto make = [] {
    torch::manual_seed(9);
    NamedTensors parameters;
    parameters["a"] = torch::randn({37, 41}).requires_grad_();
    parameters["b"] = torch::randn({5}).requires_grad_();
    parameters["c"] = torch::randn({130, 3}).requires_grad_();
    for (auto& [name, parameter] : parameters) {
      parameter.mutable_grad() = torch::randn_like(parameter.detach());
    }
    return parameters;
  };
  const OptimizerConfig config{.weight_decay = 0.1};
  const NamedTensors whole = make();
  Optimizer plain(whole, config);
  for (int step = 0; step < 5; ++step) plain.Step(0.01);
  constexpr int kRanks = 3;
  std::vector<NamedTensors> copies;
  for (int rank = 0; rank < kRanks; ++rank) copies.push_back(make());
  OnRanks(kRanks, [&](const auto& world) {
    const NamedTensors& parameters = copies[static_cast<size_t>(world->rank())];
    Optimizer sharded(parameters, config, world);
    for (int step = 0; step < 3; ++step) sharded.Step(0.01);
    // Its state goes through a checkpoint, which holds all of it.
    NamedTensors state = sharded.State();
    EXPECT_EQ(state.size(), world->is_first() ? 6U : 0U);
    if (!world->is_first()) state = Optimizer(parameters, config).State();
    for (const auto& [name, tensor] : state) world->Broadcast(tensor);
    Optimizer restored(parameters, config, world);
    restored.Restore(state, {}, "state");
    restored.set_steps(3);
    for (int step = 0; step < 2; ++step) restored.Step(0.01);
    for (const auto& [name, parameter] : whole) {
      EXPECT_TRUE(torch::equal(parameters.at(name), parameter)) << name;
    }
    const NamedTensors end = restored.State();
    for (const auto& [name, moment] : end) {
      EXPECT_TRUE(torch::equal(moment, plain.State().at(name))) << name;
    }
  });
}

}  // namespace
}  // namespace wavemt
