#include "inference/decoding_precision.h"

#include <gtest/gtest.h>

#include "../model/small_model.h"
#include "support/error.h"

namespace wavemt {
namespace {

Transformer SmallModel() {
  return MakeSmallModel(SmallModelConfig(), {.source = 20, .target = 20}, /*seed=*/1);
}

TEST(ResolveDecodingPrecision, TakesWhatIsWanted) {
  using enum DecodingPrecision;
  for (const auto wanted : {kFp32, kBf16, kInt8}) {
    EXPECT_EQ(ResolveDecodingPrecision(wanted, SmallModel()), wanted);
  }
}

TEST(ResolveDecodingPrecision, AutoChoosesOne) {
  EXPECT_NE(ResolveDecodingPrecision(DecodingPrecision::kAuto, SmallModel()),
            DecodingPrecision::kAuto);
}

TEST(ResolveDecodingPrecision, RefusesInt8WhereThereIsNone) {
  Transformer model = SmallModel();
  model->to(torch::kDouble);
  EXPECT_THROW(ResolveDecodingPrecision(DecodingPrecision::kInt8, model), Error);
}

}  // namespace
}  // namespace wavemt
