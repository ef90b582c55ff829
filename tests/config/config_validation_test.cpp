#include "config/config_validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_folder.h"

namespace wavemt {
namespace {

using testing::StartsWith;

TEST(ConfigValidationTest, NeedsTrainingText) {
  const ConfigFolder folder;
  const std::string expected =
      "config.json: data.train: is missing: give source and target files, or one tsv file, of "
      "parallel text";
  EXPECT_EQ(folder.Refusal("{}"), expected);
  EXPECT_EQ(folder.Refusal(R"({"data": {"valid": {"tsv": "v.tsv"}}})"), expected);
}

TEST(ConfigValidationTest, AcceptsTsvOrTwoSidesButNotBoth) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.Refusal(R"({"data": {"train": {"tsv": "t", "source": "a", "target": "b"}}})"),
            "config.json: data.train: give either tsv or source and target, not both");
}

TEST(ConfigValidationTest, EachSourceFileNeedsItsTargetFile) {
  const ConfigFolder folder;
  for (const std::string split : {"train", "valid", "test"}) {
    EXPECT_EQ(folder.RefusalSet({"data.train.tsv=", "data.train.source=a", "data.train.target=b",
                                 "data." + split + R"(.source=["a", "b"])",
                                 "data." + split + ".target=c"}),
              "config.json: data." + split +
                  ": 2 source file(s) but 1 target file(s); line n of a source file must have its "
                  "translation on line n of the target file beside it");
  }
}

TEST(ConfigValidationTest, SentencesFitIntoThePositions) {
  const ConfigFolder folder;
  EXPECT_NO_THROW(folder.LoadSet({"data.max_length=511"}));
  EXPECT_EQ(folder.RefusalSet({"data.max_length=512"}),
            "--set data.max_length=512: data.max_length: 512 tokens and the end of the sentence do "
            "not fit into model.position_encoding.max_length = 512 positions; use at most 511");
}

TEST(ConfigValidationTest, TheLargestNumbersDoNotOverflow) {
  const ConfigFolder folder;
  const std::string largest = std::to_string(INT64_MAX);
  EXPECT_THAT(folder.RefusalSet({"data.max_length=" + largest}),
              StartsWith("--set data.max_length=" + largest + ": data.max_length: "));
  EXPECT_THAT(folder.RefusalSet({"model.position_encoding.max_length=" + largest}),
              StartsWith("--set model.position_encoding.max_length=" + largest + ": "));
}

TEST(ConfigValidationTest, ABatchHoldsTheLongestSentence) {
  const ConfigFolder folder;
  EXPECT_NO_THROW(folder.LoadSet({"data.max_length=100", "training.batch_tokens=101"}));
  EXPECT_EQ(folder.RefusalSet({"data.max_length=100", "training.batch_tokens=100"}),
            "--set training.batch_tokens=100: training.batch_tokens: 100 is too small for one "
            "sentence of data.max_length = 100 tokens; use at least 101");
}

TEST(ConfigValidationTest, ModelsOfTheTwoSidesGoTogether) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalWith(R"("tokenizer": {"source_model": "s", "shared": false})"),
            "config.json: tokenizer.target_model: is missing: tokenizer.source_model and "
            "tokenizer.target_model go together");
  EXPECT_EQ(folder.RefusalWith(R"("tokenizer": {"target_model": "t", "shared": false})"),
            "config.json: tokenizer.source_model: is missing: tokenizer.source_model and "
            "tokenizer.target_model go together");
}

TEST(ConfigValidationTest, OneModelPerSideIsNotShared) {
  const ConfigFolder folder;
  EXPECT_EQ(
      folder.RefusalWith(R"("tokenizer": {"source_model": "s", "target_model": "t"})"),
      "config.json: tokenizer.shared: true does not go with one model per side; use false, or "
      "give tokenizer.model alone");
}

TEST(ConfigValidationTest, AModelForBothSidesExcludesOthers) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalWith(R"("tokenizer": {"model": "m", "source_model": "s",
                                                "target_model": "t", "shared": false})"),
            "config.json: tokenizer.model: is one model for both sides, but tokenizer.source_model "
            "is given too; leave one of the two out");
  EXPECT_EQ(folder.RefusalWith(R"("tokenizer": {"model": "m", "shared": false},
                                  "model": {"tied_embeddings": "none"})"),
            "config.json: tokenizer.model: is one model for both sides, but tokenizer.shared is "
            "false; leave one of the two out");
}

TEST(ConfigValidationTest, AVocabularyNeedsMoreThanTheBytePieces) {
  const ConfigFolder folder;
  EXPECT_NO_THROW(folder.LoadSet({"tokenizer.vocab_size=261"}));
  EXPECT_NO_THROW(folder.LoadSet({"tokenizer.vocab_size=260", "tokenizer.byte_fallback=false"}));
  EXPECT_NO_THROW(folder.LoadSet({"tokenizer.vocab_size=260", "tokenizer.model=m"}));
  EXPECT_EQ(folder.RefusalSet({"tokenizer.vocab_size=260"}),
            "--set tokenizer.vocab_size=260: tokenizer.vocab_size: 260 leaves no room beside the "
            "256 bytes of tokenizer.byte_fallback; use more than 260");
}

TEST(ConfigValidationTest, HeadsDivideTheWidth) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalWith(R"("model": {"num_heads": 7})"),
            "config.json: model.num_heads: 7 does not divide d_model = 512");
  EXPECT_NO_THROW(folder.LoadWith(R"("model": {"num_heads": 7, "d_model": 21})"));
}

TEST(ConfigValidationTest, TyingAllEmbeddingsNeedsOneVocabulary) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalSet({"tokenizer.shared=false"}),
            "config.json: model.tied_embeddings: all needs one vocabulary for both sides, but "
            "tokenizer.shared is false; use decoder or none");
  EXPECT_NO_THROW(folder.LoadSet({"tokenizer.shared=false", "model.tied_embeddings=decoder"}));
  EXPECT_NO_THROW(folder.LoadWith(R"("tokenizer": {"source_model": "s", "target_model": "t",
                                                   "shared": false, "vocabulary": "v.json"})"));
}

TEST(ConfigValidationTest, AVocabularyOfItsOwnBelongsToGivenModels) {
  const ConfigFolder folder;
  EXPECT_NO_THROW(folder.LoadSet({"tokenizer.vocabulary=v.json", "tokenizer.model=m"}));
  EXPECT_EQ(
      folder.RefusalWith(R"("tokenizer": {"vocabulary": "v.json"})"),
      "config.json: tokenizer.vocabulary: has the ids for pieces of SentencePiece models that "
      "exist already; give tokenizer.model, or tokenizer.source_model and "
      "tokenizer.target_model");
}

// To try out a config briefly, users set only max_steps.
TEST(ConfigValidationTest, ARunMayEndInItsWarmUp) {
  const ConfigFolder folder;
  for (const std::string schedule : {"inverse_sqrt", "cosine", "linear", "constant"}) {
    EXPECT_NO_THROW(folder.LoadSet({"training.schedule=" + schedule, "training.max_steps=10"}));
  }
}

TEST(ConfigValidationTest, TheLowestLearningRateIsNotAboveTheHighest) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalSet({"training.min_learning_rate=0.5"}),
            "--set training.min_learning_rate=0.5: training.min_learning_rate: 0.5 is above "
            "training.learning_rate = 0.001");
}

TEST(ConfigValidationTest, PatienceNeedsValidations) {
  const ConfigFolder folder;
  const std::string expected =
      "--set training.patience=3: training.patience: 3 needs validations to watch; give "
      "data.valid and training.validate_every";
  EXPECT_EQ(folder.RefusalSet({"training.patience=3"}), expected);
  EXPECT_EQ(folder.RefusalSet(
                {"training.patience=3", "data.valid.tsv=v.tsv", "training.validate_every=0"}),
            expected);
  EXPECT_NO_THROW(folder.LoadSet({"training.patience=3", "data.valid.tsv=v.tsv"}));
}

TEST(ConfigValidationTest, RDropNeedsDropout) {
  const ConfigFolder folder;
  const std::string alpha = "training.r_drop.alpha=5";
  EXPECT_NO_THROW(folder.LoadSet({alpha}));
  EXPECT_EQ(folder.RefusalSet({alpha, "model.dropout=0"}),
            "--set training.r_drop.alpha=5: training.r_drop.alpha: 5 compares two passes with "
            "different dropout, but the model has none; set model.dropout, or use 0");
  EXPECT_NO_THROW(folder.LoadSet({"training.r_drop.alpha=0", "model.dropout=0"}));
  for (const std::string other : {"model.attention_dropout=0.1", "model.activation_dropout=0.1"}) {
    EXPECT_NO_THROW(folder.LoadSet({alpha, "model.dropout=0", other}));
  }
  EXPECT_NO_THROW(
      folder.LoadSet({alpha, "model.dropout=0", "adapter.type=lora", "adapter.lora_dropout=0.1"}));
  EXPECT_THAT(folder.RefusalSet({"training.r_drop.alpha=-1"}),
              testing::HasSubstr("training.r_drop.alpha"));
}

TEST(ConfigValidationTest, AnAverageNeedsTwoCheckpointsAndValidations) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalSet({"training.average_best=1", "data.valid.tsv=v.tsv"}),
            "--set training.average_best=1: training.average_best: one checkpoint has no average; "
            "use at least 2, or 0 for none");
  const std::string expected =
      "--set training.average_best=3: training.average_best: 3 needs validations to choose "
      "checkpoints by; set data.valid, and training.validate_every above 0";
  EXPECT_EQ(folder.RefusalSet({"training.average_best=3"}), expected);
  EXPECT_EQ(folder.RefusalSet(
                {"training.average_best=3", "data.valid.tsv=v.tsv", "training.validate_every=0"}),
            expected);
  EXPECT_NO_THROW(folder.LoadSet({"training.average_best=3", "data.valid.tsv=v.tsv"}));
  EXPECT_NO_THROW(folder.LoadSet({"training.average_best=0", "training.validate_every=0"}));
}

TEST(ConfigValidationTest, TheBeamHoldsTheTranslationsWanted) {
  const ConfigFolder folder;
  EXPECT_NO_THROW(folder.LoadSet({"decoding.n_best=5"}));
  EXPECT_EQ(folder.RefusalSet({"decoding.n_best=6"}),
            "--set decoding.n_best=6: decoding.n_best: 6 translations need a beam at least as "
            "large, but decoding.beam_size is 5");
}

TEST(ConfigValidationTest, RotaryNeedsHeadsOfEvenWidth) {
  const ConfigFolder folder;
  EXPECT_NO_THROW(folder.LoadSet({"model.position_encoding.type=rotary"}));
  EXPECT_EQ(folder.RefusalSet(
                {"model.position_encoding.type=rotary", "model.d_model=60", "model.num_heads=4"}),
            "--set model.position_encoding.type=rotary: model.position_encoding.type: rotary turns "
            "pairs of columns, but d_model / num_heads = 60 / 4 = 15 is odd; use another "
            "model.num_heads or another encoding");
}

TEST(ConfigValidationTest, RandomShiftNeedsAbsolutePositionsAndRoom) {
  const ConfigFolder folder;
  for (const std::string type : {"sinusoidal", "learned", "article", "article_fixed"}) {
    EXPECT_NO_THROW(folder.LoadSet({"model.position_encoding.type=" + type, "data.max_length=100",
                                    "model.position_encoding.random_shift=411"}));
  }
  for (const std::string type : {"rotary", "alibi", "relative", "t5", "none"}) {
    EXPECT_EQ(
        folder.RefusalSet(
            {"model.position_encoding.random_shift=5", "model.position_encoding.type=" + type}),
        "--set model.position_encoding.random_shift=5: model.position_encoding.random_shift: " +
            type +
            " has no absolute positions that could be shifted; use 0, or one of sinusoidal, "
            "learned, article and article_fixed");
  }
  EXPECT_EQ(folder.RefusalSet({"data.max_length=100", "model.position_encoding.random_shift=412"}),
            "--set model.position_encoding.random_shift=412: model.position_encoding.random_shift: "
            "a sentence of data.max_length = 100 tokens that starts at position 412 does not fit "
            "into model.position_encoding.max_length = 512 positions; use at most 411");
}

TEST(ConfigValidationTest, KeysOfOtherEncodingsAreRefused) {
  const ConfigFolder folder;
  for (const std::string key :
       {"rotary_base=500", "alibi_slopes=trained", "relative_clip_distance=4", "t5_num_buckets=16",
        "t5_max_distance=64"}) {
    const std::string type = key.substr(0, key.find('_'));
    const std::string set = "model.position_encoding." + key;
    EXPECT_EQ(folder.RefusalSet({set}), "--set " + set + ": " + set.substr(0, set.find('=')) +
                                            ": counts only if model.position_encoding.type is " +
                                            type + ", but it is sinusoidal");
    EXPECT_NO_THROW(folder.LoadSet({set, "model.position_encoding.type=" + type}));
  }
}

TEST(ConfigValidationTest, T5BucketsFitItsDistances) {
  const ConfigFolder folder;
  const std::string t5 = "model.position_encoding.type=t5";
  EXPECT_THAT(folder.RefusalSet({t5, "model.position_encoding.t5_num_buckets=33"}),
              testing::HasSubstr("33 cannot be shared by two directions; use an even number"));
  EXPECT_THAT(folder.RefusalSet({t5, "model.position_encoding.t5_max_distance=16"}),
              testing::HasSubstr("16 must be above half of t5_num_buckets = 32"));
}

}  // namespace
}  // namespace wavemt
