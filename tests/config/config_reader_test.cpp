#include "config/config_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_folder.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

TEST(LoadConfigTest, FillsInDefaults) {
  const ConfigFolder folder;
  const Config config = folder.LoadWith("");
  EXPECT_EQ(config.seed, 1);
  EXPECT_EQ(config.model.d_model, 512);
  EXPECT_EQ(config.training.optimizer.beta2, 0.98);
  EXPECT_EQ(config.training.schedule, LearningRateSchedule::kInverseSqrt);
  EXPECT_TRUE(config.tokenizer.shared);
  EXPECT_TRUE(config.tokenizer.model.empty());
  EXPECT_TRUE(config.data.valid.empty());
}

TEST(LoadConfigTest, ReadsEachKindOfValue) {
  const ConfigFolder folder;
  const Config config = folder.LoadWith(R"(
      "$schema": "schema.json", "seed": 7, "run_dir": "runs/x",
      "tokenizer": {"model": "m.model", "byte_fallback": false},
      "model": {"layer_norm": "post", "position_encoding": {"max_length": 200}},
      "training": {"learning_rate": 2, "optimizer": {"epsilon": 1e-8}})");
  EXPECT_EQ(config.seed, 7);
  EXPECT_EQ(config.run_dir, "runs/x");
  EXPECT_EQ(config.tokenizer.model, folder.path() / "m.model");
  EXPECT_FALSE(config.tokenizer.byte_fallback);
  EXPECT_EQ(config.model.layer_norm, LayerNormPlacement::kPost);
  EXPECT_EQ(config.model.position_encoding.max_length, 200);
  EXPECT_EQ(config.training.learning_rate, 2.0);
  EXPECT_EQ(config.training.optimizer.epsilon, 1e-8);
}

TEST(LoadConfigTest, TheSchemasPlaceIsATextAndNoKey) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalWith(R"("$schema": {"seed": 7})"),
            "config.json: $schema: {\"seed\":7} is not a text in quotes");
  EXPECT_EQ(folder.RefusalSet({"$schema=schema.json"}),
            "--set $schema=schema.json: there is no config key \"$schema\"");
}

TEST(LoadConfigTest, PathsAreRelativeToTheConfigFile) {
  const ConfigFolder folder;
  const Config config = folder.Load(R"({"data": {"train":
      {"source": ["a.en", "more/../b.en"], "target": ["../a.zh", "/corpora/b.zh"]}}})");
  EXPECT_THAT(config.data.train.unnamed.files.source,
              ElementsAre(folder.path() / "a.en", folder.path() / "b.en"));
  EXPECT_THAT(config.data.train.unnamed.files.target,
              ElementsAre(folder.path().parent_path() / "a.zh", "/corpora/b.zh"));
}

TEST(LoadConfigTest, PathsAreAbsoluteEvenIfTheConfigFilesPathIsRelative) {
  const ConfigFolder folder;
  folder.LoadWith("");
  const Config config = LoadConfig(fs::relative(folder.file()));
  EXPECT_THAT(config.data.train.unnamed.files.tsv, ElementsAre(folder.path() / "train.tsv"));
}

TEST(LoadConfigTest, ExpandsTheDataVariable) {
  const DataVariable variable("/corpora");
  const ConfigFolder folder;
  const Config config =
      folder.Load(R"({"data": {"train": {"tsv": "${WAVEMT_DATA}/x/train.tsv"}}})");
  EXPECT_THAT(config.data.train.unnamed.files.tsv, ElementsAre("/corpora/x/train.tsv"));
}

TEST(LoadConfigTest, ARelativeDataVariableIsRelativeToTheCurrentFolder) {
  const DataVariable variable("../corpora");
  const ConfigFolder folder;
  const Config config = folder.Load(R"({"data": {"train": {"tsv": "${WAVEMT_DATA}/train.tsv"}}})");
  EXPECT_THAT(config.data.train.unnamed.files.tsv,
              ElementsAre(fs::current_path().parent_path() / "corpora/train.tsv"));
}

TEST(LoadConfigTest, TheDataVariableDefaultsToTheDataFolder) {
  const ConfigFolder folder;
  const std::string text = R"({"data": {"train": {"tsv": "${WAVEMT_DATA}/quickstart/train.en"}}})";
  for (const char* nothing : {static_cast<const char*>(nullptr), ""}) {
    const DataVariable variable(nothing);
    const std::vector<fs::path> files = folder.Load(text).data.train.unnamed.files.tsv;
    ASSERT_EQ(files.size(), 1U);
    EXPECT_TRUE(files[0].is_absolute()) << files[0];
    EXPECT_TRUE(fs::is_regular_file(files[0])) << files[0];
  }
}

TEST(LoadConfigTest, RefusesAnUnknownVariable) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalWith(R"("tokenizer": {"model": "${HOME}/m.model"})"),
            "config.json: tokenizer.model: \"${HOME}/m.model\": the only variable known in paths "
            "is ${WAVEMT_DATA}");
}

TEST(LoadConfigTest, NamesAFileThatCannotBeRead) {
  const ConfigFolder folder;
  const std::string missing = folder.file();
  const std::string directory = folder.path();
  EXPECT_EQ(UsageErrorOf([&] { LoadConfig(missing); }), missing + ": no such file");
  EXPECT_EQ(UsageErrorOf([&] { LoadConfig(directory); }),
            directory + ": is a directory, a file is needed");
}

TEST(LoadConfigTest, NamesLineAndColumnOfInvalidJson) {
  const ConfigFolder folder;
  EXPECT_THAT(folder.Refusal("{\n  \"seed\": 1,\n}"),
              StartsWith("config.json: line 3, column 1: not valid JSON: "));
  EXPECT_THAT(folder.Refusal(""), StartsWith("config.json: line 1, column 1: not valid JSON: "));
  EXPECT_EQ(folder.Refusal("{\"seed\":\n 1e999}"),
            "config.json: line 2, column 2: the number 1e999 is too large");
}

TEST(LoadConfigTest, RefusesADocumentThatIsNotAnObject) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.Refusal("[1, 2]"), "config.json: a config is an object {...}, not [1,2]");
}

TEST(LoadConfigTest, RefusesADuplicateKey) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalWith(R"("seed": 1, "seed": 2)"),
            "config.json: the key \"seed\" appears twice in one object; keep one");
}

TEST(LoadConfigTest, RefusesUnknownKeysAndSuggestsOthers) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalWith(R"("model": {"num_head": 8})"),
            "config.json: model.num_head: unknown key (did you mean \"num_heads\"?)");
  EXPECT_EQ(folder.RefusalWith(R"("trainign": {})"),
            "config.json: trainign: unknown key (did you mean \"training\"?)");
  EXPECT_EQ(folder.RefusalWith(R"("model": {"position_encoding": {"flavour": 1}})"),
            "config.json: model.position_encoding.flavour: unknown key");
}

TEST(LoadConfigTest, NamesTheSectionThatAKeyBelongsTo) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalWith(R"("d_model": 256)"),
            "config.json: d_model: unknown key (did you mean \"model.d_model\"?)");
  EXPECT_EQ(folder.RefusalWith(R"("training": {"beam_size": 4})"),
            "config.json: training.beam_size: unknown key (did you mean \"decoding.beam_size\"?)");
}

TEST(LoadConfigTest, RefusesTheWrongType) {
  const ConfigFolder folder;
  const auto refusal = [&](const std::string& key, const std::string& value) {
    return folder.RefusalWith('"' + key + "\": " + value);
  };
  EXPECT_EQ(refusal("seed", "\"1\""), "config.json: seed: \"1\" is not a whole number");
  EXPECT_EQ(refusal("seed", "1.5"), "config.json: seed: 1.5 is not a whole number");
  EXPECT_EQ(refusal("seed", "null"), "config.json: seed: null is not a whole number");
  EXPECT_EQ(refusal("run_dir", "3"), "config.json: run_dir: 3 is not a text in quotes");
  EXPECT_EQ(refusal("model", "[]"), "config.json: model: must be an object {...}, not []");
  EXPECT_EQ(refusal("model", R"({"dropout": true})"),
            "config.json: model.dropout: true is not a number");
  EXPECT_EQ(refusal("tokenizer", R"({"shared": 1})"),
            "config.json: tokenizer.shared: 1 is not true or false");
  EXPECT_EQ(refusal("tokenizer", R"({"model": 1})"),
            "config.json: tokenizer.model: 1 is not a text in quotes");
  EXPECT_EQ(folder.Refusal(R"({"data": {"train": {"tsv": 3}}})"),
            "config.json: data.train.tsv: 3 is not a path or a list of paths");
  EXPECT_EQ(folder.Refusal(R"({"data": {"train": {"tsv": ["a", 3]}}})"),
            "config.json: data.train.tsv: 3 is not a text in quotes");
}

TEST(LoadConfigTest, RefusesAnEmptyPathInAList) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.Refusal(R"({"data": {"train": {"tsv": ["a.tsv", ""]}}})"),
            "config.json: data.train.tsv: is an empty path; name a file");
}

TEST(LoadConfigTest, RefusesWholeNumbersThatDoNotFit) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.LoadWith(R"("seed": 9223372036854775807)").seed, INT64_MAX);
  EXPECT_EQ(folder.RefusalWith(R"("seed": 9223372036854775808)"),
            "config.json: seed: 9223372036854775808 is not a whole number");
}

TEST(LoadConfigTest, RefusesNumbersOutOfRangeAndNamesTheRange) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalWith(R"("seed": -1)"),
            "config.json: seed: -1 is not possible: it must be at least 0");
  EXPECT_EQ(folder.RefusalWith(R"("model": {"d_model": 0})"),
            "config.json: model.d_model: 0 is not possible: it must be at least 1 and at most "
            "65536");
  EXPECT_EQ(folder.RefusalWith(R"("model": {"dropout": 1})"),
            "config.json: model.dropout: 1 is not possible: it must be at least 0 and below 1");
  EXPECT_EQ(folder.RefusalWith(R"("training": {"learning_rate": 0.0})"),
            "config.json: training.learning_rate: 0 is not possible: it must be above 0");
  EXPECT_EQ(folder.RefusalWith(R"("decoding": {"length_penalty": 10.5})"),
            "config.json: decoding.length_penalty: 10.5 is not possible: it must be at least -10 "
            "and at most 10");
}

TEST(LoadConfigTest, OnlyTheConfigOfAnImportedModelMayLackATrainingText) {
  const std::string refusal = UsageErrorOf([] { ReadConfig("{}", "config.json"); });
  EXPECT_EQ(
      refusal,
      "config.json: data.train: is missing: give source and target files, or one tsv file, of "
      "parallel text");
  EXPECT_TRUE(
      ReadConfig("{}", "config.json", {}, {.may_lack_training_text = true}).data.train.empty());
}

TEST(LoadConfigTest, RefusesUnknownNamesAndListsTheKnownOnes) {
  const ConfigFolder folder;
  EXPECT_EQ(
      folder.RefusalWith(R"("model": {"activation": "swigul"})"),
      "config.json: model.activation: \"swigul\" is unknown: use relu, gelu, swish, swiglu (did "
      "you mean \"swiglu\"?)");
  EXPECT_EQ(folder.RefusalWith(R"("model": {"layer_norm": "none"})"),
            "config.json: model.layer_norm: \"none\" is unknown: use pre, post");
  EXPECT_EQ(folder.RefusalWith(R"("model": {"layer_norm": 1})"),
            "config.json: model.layer_norm: 1 is unknown: use pre, post");
}

TEST(LoadConfigTest, CutsLongValuesInMessages) {
  const ConfigFolder folder;
  const std::string message = folder.RefusalWith(R"("seed": ")" + std::string(100'000, 'x') + "\"");
  EXPECT_EQ(message, "config.json: seed: \"" + std::string(79, 'x') + "... is not a whole number");
}

TEST(LoadConfigTest, NamesTheOverrideThatIsWrong) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalSet({"model.num_heads=0"}),
            "--set model.num_heads=0: model.num_heads: 0 is not possible: it must be at least 1 "
            "and at most 1024");
}

}  // namespace
}  // namespace wavemt
