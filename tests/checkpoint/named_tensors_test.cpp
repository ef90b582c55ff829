#include "checkpoint/named_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "support/error.h"

namespace wavemt {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

struct NormImpl : torch::nn::Module {
  NormImpl() {
    scale = register_parameter("scale", torch::ones({2}));
    inner = register_module("inner", torch::nn::Linear(2, 3));
    mean = register_buffer("mean", torch::zeros({2}));
  }
  torch::Tensor scale;
  torch::Tensor mean;
  torch::nn::Linear inner{nullptr};
};

TEST(NamedTensors, ParametersAreWithoutBuffersAndStateIsWithThem) {
  const NormImpl module;
  EXPECT_THAT(ParametersOf(module),
              ElementsAre(Key("inner.bias"), Key("inner.weight"), Key("scale")));
  EXPECT_THAT(StateOf(module),
              ElementsAre(Key("inner.bias"), Key("inner.weight"), Key("mean"), Key("scale")));
}

TEST(NamedTensors, AreTheModulesOwn) {
  const NormImpl module;
  const torch::NoGradGuard no_grad;
  StateOf(module).at("mean").fill_(5);
  ParametersOf(module).at("scale").fill_(6);
  EXPECT_EQ(module.mean[0].item<float>(), 5);
  EXPECT_EQ(module.scale[1].item<float>(), 6);
}

class CopyTensorsTest : public testing::Test {
 protected:
  void ExpectRefused(const NamedTensors& from, const std::string& what) {
    EXPECT_THAT([&] { CopyTensors(from, to_, "x.safetensors"); },
                ThrowsMessage<Error>(AllOf(StartsWith("x.safetensors: "), HasSubstr(what))));
    for (const auto& [name, tensor] : to_) {
      EXPECT_TRUE((tensor == 0).all().item<bool>()) << name << " was changed";
    }
  }

  NamedTensors to_ = {{"a", torch::zeros({2})}, {"b", torch::zeros({3, 4})}};
};

TEST_F(CopyTensorsTest, CopiesIntoTheSameTensors) {
  const torch::Tensor a = to_.at("a");
  CopyTensors({{"a", torch::tensor({1.0F, 2.0F})}, {"b", torch::ones({3, 4})}}, to_, "x");
  EXPECT_TRUE(torch::equal(a, torch::tensor({1.0F, 2.0F})));
  EXPECT_TRUE(torch::equal(to_.at("b"), torch::ones({3, 4})));
}

TEST_F(CopyTensorsTest, CopiesIntoWeightsThatHaveGradients) {
  const torch::nn::Linear linear(2, 1);
  CopyTensors({{"bias", torch::ones({1})}, {"weight", torch::ones({1, 2})}}, StateOf(*linear), "x");
  EXPECT_TRUE(torch::equal(linear->weight.detach(), torch::ones({1, 2})));
  EXPECT_TRUE(linear->weight.requires_grad());
  EXPECT_TRUE(linear->weight.is_leaf());
}

TEST_F(CopyTensorsTest, RefusesAMissingName) {
  ExpectRefused({{"a", torch::ones({2})}}, "has no \"b\"");
}

TEST_F(CopyTensorsTest, RefusesANameTooMany) {
  ExpectRefused({{"a", torch::ones({2})}, {"b", torch::ones({3, 4})}, {"c", torch::ones({1})}},
                "holds \"c\"");
}

TEST_F(CopyTensorsTest, RefusesWhatIsNotFinite) {
  for (const float value :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    ExpectRefused({{"a", torch::tensor({1.0F, value})}, {"b", torch::ones({3, 4})}},
                  "\"a\" holds values that are not finite");
  }
}

TEST_F(CopyTensorsTest, RefusesWhatIsNotFiniteAsTheModelHoldsIt) {
  const torch::Tensor large = torch::tensor({1.0, 1e300}, torch::kDouble);
  ExpectRefused({{"a", large}, {"b", torch::ones({3, 4})}},
                "\"a\" holds values that are not finite");
}

TEST_F(CopyTensorsTest, TakesOtherNumbersOfFloatingPointAndNoIntegers) {
  ExpectRefused({{"a", torch::tensor({1, 2}, torch::kLong)}, {"b", torch::ones({3, 4})}},
                "\"a\" holds numbers of the type Long, but the model needs Float");
  CopyTensors({{"a", torch::tensor({1.0, 2.0}, torch::kDouble)},
               {"b", torch::ones({3, 4}, torch::kBFloat16)}},
              to_, "x");
  EXPECT_TRUE(torch::equal(to_.at("a"), torch::tensor({1.0F, 2.0F})));
}

TEST_F(CopyTensorsTest, RefusesAnotherShapeAndNamesBoth) {
  ExpectRefused({{"a", torch::ones({2})}, {"b", torch::ones({3, 5})}},
                "\"b\" has the shape [3, 5], but the model of this config needs [3, 4]");
  // A shape that would broadcast.
  ExpectRefused({{"a", torch::ones({2})}, {"b", torch::ones({4})}}, "\"b\" has the shape [4]");
}

TEST(MoveTensors, TakesTheTensorsOver) {
  const torch::Tensor parameter = torch::ones({2, 2}, torch::requires_grad());
  const torch::Tensor buffer = torch::ones({3}, torch::kDouble);
  const torch::Tensor loaded = torch::tensor({{1.0F, 2.0F}, {3.0F, 4.0F}});
  const torch::Tensor others = torch::tensor({5.0F, 6.0F, 7.0F});
  MoveTensors({{"a", loaded}, {"b", others}}, {{"a", parameter}, {"b", buffer}}, "x");
  EXPECT_EQ(parameter.data_ptr(), loaded.data_ptr());
  EXPECT_TRUE(parameter.requires_grad());
  EXPECT_TRUE(torch::equal(buffer, others.to(torch::kDouble)));
}

TEST(MoveTensors, RefusesWhatCopyTensorsRefuses) {
  const torch::Tensor parameter = torch::ones({2});
  EXPECT_THROW(MoveTensors({{"a", torch::ones({3})}}, {{"a", parameter}}, "x"), Error);
  EXPECT_THROW(MoveTensors({{"b", torch::ones({2})}}, {{"a", parameter}}, "x"), Error);
  EXPECT_TRUE(torch::equal(parameter, torch::ones({2})));
}

TEST(FreeTensors, KeepsShapesAndTypes) {
  const torch::Tensor parameter = torch::ones({1000, 3}, torch::requires_grad());
  FreeTensors({{"a", parameter}});
  EXPECT_EQ(parameter.sizes(), (std::vector<int64_t>{1000, 3}));
  EXPECT_EQ(parameter.storage().nbytes(), sizeof(float));
  EXPECT_TRUE(parameter.requires_grad());
}

}  // namespace
}  // namespace wavemt
