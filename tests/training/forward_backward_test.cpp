#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <vector>

#include "checkpoint/named_tensors.h"
#include "config/config_fields.h"
#include "copy_task_model.h"
#include "failing_allocator.h"
#include "support/error.h"
#include "training/tensor_memory.h"
#include "training/update.h"

namespace wavemt {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class ForwardBackwardTest : public testing::Test {
 protected:
  struct Result {
    double loss = 0;
    torch::Tensor gradient;  // Of all parameters, in one vector.
  };

  ForwardBackwardTest() { spdlog::set_level(spdlog::level::err); }
  ~ForwardBackwardTest() override { spdlog::set_level(spdlog::level::info); }

  Transformer MakeModel() const { return CopyTaskModel(config_); }

  static void Clear(Transformer& model) {
    for (torch::Tensor& parameter : model->parameters()) parameter.mutable_grad().reset();
  }

  static ForwardBackward MakePass(const Transformer& model) {
    return {model,
            {.loss = {.label_smoothing = 0.1}, .seed = 5, .memory_name = "the memory of the test"}};
  }

  // Allocations fail only during the passes.
  static Result Run(ForwardBackward& pass, Transformer& model, const std::vector<Batch>& batches,
                    int64_t step = 7, FailingAllocator* allocator = nullptr) {
    const torch::Tensor loss = pass.Run(step, batches, [&] { Clear(model); });
    if (allocator != nullptr) allocator->StopFailing();
    return ResultOf(model, loss);
  }

  static Result ResultOf(const Transformer& model, const torch::Tensor& loss) {
    std::vector<torch::Tensor> gradients;
    for (const auto& [name, parameter] : ParametersOf(*model)) {
      gradients.push_back(parameter.grad().clone().flatten());
    }
    return {.loss = loss.item<double>(), .gradient = torch::cat(gradients)};
  }

  static double RelativeError(const Result& a, const Result& whole) {
    return ((a.gradient - whole.gradient).norm() / whole.gradient.norm()).item<double>();
  }

  ModelConfig config_ = CopyTaskModelConfig();
};

TEST_F(ForwardBackwardTest, HalvesGiveTheGradientOfTheWhole) {
  Transformer model = MakeModel();
  const std::vector<Batch> batches = {CopyTaskBatch(13, 1), CopyTaskBatch(6, 2)};
  ForwardBackward plain = MakePass(model);
  const Result whole = Run(plain, model, batches);
  // Allocations of at least `largest` bytes fail; the limit gets smaller and smaller.
  for (size_t largest : {20'000, 10'000, 6'000, 4'000}) {
    SCOPED_TRACE(largest);
    ForwardBackward pass = MakePass(model);
    FailingAllocator allocator;
    allocator.FailFrom(largest);
    const Result split = Run(pass, model, batches, 7, &allocator);
    EXPECT_TRUE(allocator.failed() || largest == 20'000);
    EXPECT_NEAR(split.loss / whole.loss, 1.0, 1e-6);
    EXPECT_LT(RelativeError(split, whole), 1e-6);
  }
}

// Halves have other lengths and so other padding than the whole.
TEST_F(ForwardBackwardTest, HalvesGiveTheGradientOfTheWholeWithEveryPositionEncoding) {
  for (const auto& [name, type] : NamesOf(PositionEncodingType{})) {
    SCOPED_TRACE(name);
    config_.position_encoding.type = type;
    Transformer model = MakeModel();
    const std::vector<Batch> batches = {CopyTaskBatch(13, 1)};
    ForwardBackward plain = MakePass(model);
    const Result whole = Run(plain, model, batches);
    ForwardBackward pass = MakePass(model);
    FailingAllocator allocator;
    allocator.FailFrom(6'000);
    const Result split = Run(pass, model, batches, 7, &allocator);
    EXPECT_TRUE(allocator.failed());
    EXPECT_NEAR(split.loss / whole.loss, 1.0, 1e-6);
    EXPECT_LT(RelativeError(split, whole), 1e-5);
  }
}

TEST_F(ForwardBackwardTest, WeightsMultiplyTheLossOfEachPair) {
  Transformer model = MakeModel();
  Batch batch = CopyTaskBatch(5, 1);
  batch.weights = {0.25F, 1.0F, 0.0F, 3.0F, 1.5F};
  Result sum;
  for (int64_t row = 0; row < batch.rows; ++row) {
    Batch alone = batch;  // The other rows do not count, but the mean is over as many tokens.
    alone.weights.clear();
    for (int64_t i = 0; i < batch.rows * batch.target_length; ++i) {
      if (i / batch.target_length != row) alone.labels[static_cast<size_t>(i)] = kIgnoredLabel;
    }
    ForwardBackward pass = MakePass(model);
    const Result of_row = Run(pass, model, {alone});
    const double weight = batch.weights[static_cast<size_t>(row)];
    sum.loss += weight * of_row.loss;
    const torch::Tensor gradient = weight * of_row.gradient;
    sum.gradient = sum.gradient.defined() ? sum.gradient + gradient : gradient;
  }
  ForwardBackward pass = MakePass(model);
  const Result weighted = Run(pass, model, {batch});
  EXPECT_NEAR(weighted.loss / sum.loss, 1.0, 1e-5);
  EXPECT_LT(RelativeError(weighted, sum), 1e-5);

  ForwardBackward halves = MakePass(model);
  FailingAllocator allocator;
  allocator.FailFrom(4'000);
  const Result split = Run(halves, model, {batch}, 7, &allocator);
  EXPECT_TRUE(allocator.failed());
  EXPECT_LT(RelativeError(split, weighted), 1e-5);
}

// Like SQLite's tests: memory runs out at every allocation in turn.
TEST_F(ForwardBackwardTest, WhereverMemoryRunsOut) {
  config_.attention_dropout = 0.0;
  Transformer model = MakeModel();
  const std::vector<Batch> batches = {CopyTaskBatch(5, 1), CopyTaskBatch(4, 2)};
  ForwardBackward plain = MakePass(model);
  const Result whole = Run(plain, model, batches);
  int64_t num_allocations = 0;
  for (bool failed = true; failed; ++num_allocations) {
    SCOPED_TRACE(num_allocations);
    ForwardBackward pass = MakePass(model);
    FailingAllocator allocator;
    allocator.FailAt(num_allocations + 1);
    const Result result = Run(pass, model, batches, 7, &allocator);
    failed = allocator.failed();
    EXPECT_NEAR(result.loss / whole.loss, 1.0, 1e-6);
    ASSERT_LT(RelativeError(result, whole), 1e-6);
  }
  EXPECT_GT(num_allocations, 300);
}

TEST_F(ForwardBackwardTest, DropoutOfAHalfIsItsOwnAndAlwaysTheSame) {
  config_.dropout = 0.3;
  Transformer model = MakeModel();
  const std::vector<Batch> batches = {CopyTaskBatch(8, 1)};
  const auto run = [&](int64_t fail_at, int64_t step) {
    ForwardBackward pass = MakePass(model);
    FailingAllocator allocator;
    allocator.FailAt(fail_at);
    return Run(pass, model, batches, step, &allocator);
  };
  const Result whole = run(0, 7);
  const Result halves = run(20, 7);
  EXPECT_GT(RelativeError(halves, whole), 1e-2);
  // It does not matter where memory ran out, only that it did.
  EXPECT_TRUE(torch::equal(run(90, 7).gradient, halves.gradient));
  EXPECT_TRUE(torch::equal(run(0, 7).gradient, whole.gradient));
  EXPECT_GT(RelativeError(run(20, 8), halves), 1e-2);
}

TEST_F(ForwardBackwardTest, WhatDidNotFitIsNotTriedAgain) {
  Transformer model = MakeModel();
  ForwardBackward pass = MakePass(model);
  const auto allocations = [&](int64_t fail_at, const std::vector<Batch>& batches) {
    FailingAllocator allocator;
    allocator.FailAt(fail_at);
    int64_t attempts = 0;
    pass.Run(7, batches, [&] {
      Clear(model);
      ++attempts;
    });
    return attempts;
  };
  EXPECT_EQ(allocations(0, {CopyTaskBatch(9, 1)}), 1);
  EXPECT_EQ(allocations(50, {CopyTaskBatch(9, 1)}), 2);
  // If the larger batch were tried as a whole, its first allocation would fail.
  EXPECT_EQ(allocations(0, {CopyTaskBatch(9, 1)}), 1);
  ForwardBackward knowing = MakePass(model);
  const Result halves = Run(pass, model, {CopyTaskBatch(9, 1)});
  {
    FailingAllocator allocator;
    allocator.FailAt(50);
    const Result again = Run(knowing, model, {CopyTaskBatch(9, 1)}, 7, &allocator);
    EXPECT_TRUE(torch::equal(again.gradient, halves.gradient));
  }
}

TEST_F(ForwardBackwardTest, ASinglePairThatDoesNotFitIsAFailure) {
  Transformer model = MakeModel();
  ForwardBackward pass = MakePass(model);
  FailingAllocator allocator;
  allocator.FailFrom(1);
  EXPECT_THAT([&] { pass.Run(12, std::vector<Batch>{CopyTaskBatch(4, 1)}, [] {}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("step 12: a batch of a single pair, "),
                                         HasSubstr(" does not fit the memory of the test; "),
                                         HasSubstr("data.max_length"))));
}

// Limits the memory for tensors for as long as the object exists.
class LimitedMemory {
 public:
  explicit LimitedMemory(int64_t more) { TensorMemory::SetLimit(TensorMemory::InUse() + more); }
  ~LimitedMemory() { TensorMemory::SetLimit(int64_t{1} << 60); }
  LimitedMemory(const LimitedMemory&) = delete;
  LimitedMemory& operator=(const LimitedMemory&) = delete;
};

TEST_F(ForwardBackwardTest, TheSameLimitGivesTheSamePieces) {
  config_.dropout = 0.3;  // So that splitting a batch changes the gradient.
  TensorMemory::BeginCounting();
  Transformer model = MakeModel();
  const auto run = [&](ForwardBackward& pass, const std::vector<Batch>& batches, int64_t room) {
    Clear(model);
    torch::Tensor loss;
    {
      const LimitedMemory limit(room);
      loss = pass.Run(/*step=*/1, batches, [&] { Clear(model); });
    }
    return ResultOf(model, loss);
  };
  constexpr int64_t kPlenty = int64_t{1} << 40;
  ForwardBackward knowing = MakePass(model);
  int64_t num_split = 0;
  int64_t num_whole = 0;
  for (uint64_t i = 0; i < 24; ++i) {
    const std::vector<Batch> batches = {CopyTaskBatch(2 + static_cast<int64_t>(i * 5 % 17), i),
                                        CopyTaskBatch(2 + static_cast<int64_t>(i * 7 % 13), 2 * i)};
    const Result split = run(knowing, batches, 150'000);
    // One that does not remember which batches did not fit, as after a resume.
    ForwardBackward fresh = MakePass(model);
    const Result again = run(fresh, batches, 150'000);
    EXPECT_TRUE(torch::equal(again.gradient, split.gradient)) << i;
    EXPECT_EQ(again.loss, split.loss) << i;
    ForwardBackward plain = MakePass(model);
    const bool same = torch::equal(run(plain, batches, kPlenty).gradient, split.gradient);
    ++(same ? num_whole : num_split);
  }
  EXPECT_GE(num_split, 3);
  EXPECT_GE(num_whole, 3);
}

}  // namespace
}  // namespace wavemt
