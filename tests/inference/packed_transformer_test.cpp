#include "inference/packed_transformer.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "../model/model_checks.h"
#include "../model/small_model.h"
#include "config/config_fields.h"
#include "model/adapters/adapter.h"

namespace wavemt {
namespace {

constexpr DecodingPrecision kFp32 = DecodingPrecision::kFp32;

struct Variant {
  std::string name;
  ModelConfig model;
  AdapterConfig adapter{};
};

std::vector<Variant> EveryVariant() {
  std::vector<Variant> variants;
  for (const PositionEncodingConfig& encoding : EveryEncoding()) {
    ModelConfig config = SmallModelConfig();
    config.position_encoding = encoding;
    variants.push_back({"encoding" + std::to_string(variants.size()), config});
  }
  for (const auto& [name, activation] : NamesOf(Activation{})) {
    ModelConfig config = SmallModelConfig();
    config.activation = activation;
    variants.push_back({std::string(name), config});
  }
  ModelConfig config = SmallModelConfig();
  config.layer_norm = LayerNormPlacement::kPost;
  config.tied_embeddings = TiedEmbeddings::kNone;
  config.output_bias = true;
  variants.push_back({"post", config});
  config = SmallModelConfig();
  config.position_encoding = {
      .type = PositionEncodingType::kRelative, .max_length = 32, .relative_clip_distance = 2};
  const AdapterConfig prefix = {.type = AdapterType::kPrefix, .prefix_length = 4};
  variants.push_back({"prefix", SmallModelConfig(), prefix});
  variants.push_back({"prefixAndDistances", config, prefix});
  using enum LoraProjection;
  variants.push_back({"lora",
                      SmallModelConfig(),
                      {.type = AdapterType::kLora,
                       .lora_rank = 3,
                       .lora_projections = {kQuery, kKey, kValue, kOutput, kFeedForward}}});
  return variants;
}

class PackedTransformerTest : public testing::TestWithParam<Variant> {
 protected:
  PackedTransformerTest() {
    model_ = MakeSmallModel(GetParam().model, {.source = kVocabulary, .target = kVocabulary},
                            /*seed=*/7);
    AddAdapter(GetParam().adapter, GetParam().model, &model_);
    for (auto& item : model_->named_parameters()) {
      if (IsAdapterWeight(item.key())) item.value().normal_(0, 0.3);
    }
  }

  torch::NoGradGuard no_grad_;
  Transformer model_{nullptr};
};

// Rows that are swapped and sentences that leave, in every kind of model.
TEST_P(PackedTransformerTest, DecodesAsTheModulesDo) {
  const PackedTransformer packed(
      model_, {.precision = kFp32, .kernels = BestKernels(kFp32), .consumes_model = false});
  const auto source = RandomIds(3, 6);
  const std::vector<int64_t> lengths = {6, 2, 4};
  const auto mask = PaddingMask(torch::tensor(lengths, torch::kLong), 6);
  InferenceMemory memory;
  KeyValueCache cache = packed.Encode(source, lengths, &memory);
  KeyValueCache plain = model_->decoder->MakeKeyValueCache(model_->Encode(source, mask), lengths);
  std::vector<int32_t> newest = {4, 5, 6};
  for (int32_t step = 0; step < 9; ++step) {
    SCOPED_TRACE(step);
    const auto rows = static_cast<int64_t>(newest.size());
    SourceAttention attention{.layer = GetParam().model.num_decoder_layers - 1};
    SourceAttention plain_attention{.layer = attention.layer};
    const float* hidden = packed.DecodeStep(newest, &cache, &memory, &attention);
    const auto ids =
        torch::tensor(c10::ArrayRef<int32_t>(newest.data(), newest.size()), torch::kLong);
    const auto expected = model_->DecodeStep(ids, &plain, &plain_attention);
    const auto actual = torch::from_blob(const_cast<float*>(hidden), expected.sizes());
    EXPECT_LT(LargestDifference(actual, expected), 1e-4);
    EXPECT_LT(LargestDifference(attention.weights, plain_attention.weights), 1e-5);
    EXPECT_EQ(attention.lengths, plain_attention.lengths);
    EXPECT_EQ(attention.lengths.front(), lengths.front()) << "keys of a prefix are not counted";
    std::vector<int32_t> sentences(static_cast<size_t>(cache.num_sentences()));
    std::iota(sentences.begin(), sentences.end(), 0);
    std::vector<int32_t> parents(static_cast<size_t>(rows));
    std::iota(parents.begin(), parents.end(), 0);
    if (step == 0) parents = {0, 0, 1, 1, 2, 2};
    if (step == 2) parents = {1, 0, 3, 3, 5, 5};
    if (step == 5) {
      sentences = {0, 2};
      parents = {1, 1, 4, 5};
    }
    cache.Select(sentences, parents);
    plain.Select(sentences, parents);
    newest.clear();
    for (size_t row = 0; row < parents.size(); ++row) {
      newest.push_back(4 + (step * 5 + static_cast<int32_t>(row)) % (kVocabulary - 4));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, PackedTransformerTest, testing::ValuesIn(EveryVariant()),
                         [](const auto& info) { return info.param.name; });

TEST(PackedTransformer, CanFreeTheMatricesOfTheModel) {
  const torch::NoGradGuard no_grad;
  const auto make = [] {
    return MakeSmallModel(SmallModelConfig(), {.source = kVocabulary, .target = kVocabulary}, 7);
  };
  const PackedTransformer kept(make(), {.precision = kFp32, .kernels = BestKernels(kFp32)});
  Transformer model = make();
  const PackedTransformer consumed(
      model, {.precision = kFp32, .kernels = BestKernels(kFp32), .consumes_model = true});
  const auto* layer = model->decoder->layers[0]->as<DecoderLayer>();
  EXPECT_EQ(layer->self_attention->qkv_proj->weight.numel(), 0);
  const auto source = RandomIds(1, 5);
  const std::vector<int64_t> lengths = {5};
  const auto hidden = [&](const PackedTransformer& packed) {
    InferenceMemory memory;
    KeyValueCache cache = packed.Encode(source, lengths, &memory);
    packed.DecodeStep(std::vector<int32_t>{2}, &cache, &memory);
    return memory.hidden;
  };
  EXPECT_TRUE(torch::equal(hidden(kept), hidden(consumed)));
}

TEST(PackedTransformer, PacksNeitherDoublesNorWhatIsOnAGpu) {
  Transformer model =
      MakeSmallModel(SmallModelConfig(), {.source = kVocabulary, .target = kVocabulary}, 7);
  EXPECT_TRUE(PackedTransformer::CanPack(model));
  model->to(torch::kDouble);
  EXPECT_FALSE(PackedTransformer::CanPack(model));
}

}  // namespace
}  // namespace wavemt
