#include "config/config_overrides.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_folder.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

TEST(ConfigOverridesTest, SetEachKindOfValue) {
  const ConfigFolder folder;
  const Config config =
      folder.LoadSet({"seed=7", "training.learning_rate=2e-4", "tokenizer.shared=false",
                      "model.tied_embeddings=none", "data.source_language=en", "run_dir=runs/a=b"});
  EXPECT_EQ(config.seed, 7);
  EXPECT_EQ(config.training.learning_rate, 2e-4);
  EXPECT_FALSE(config.tokenizer.shared);
  EXPECT_EQ(config.model.tied_embeddings, TiedEmbeddings::kNone);
  EXPECT_EQ(config.data.source_language, "en");
  EXPECT_EQ(config.run_dir, "runs/a=b");
}

TEST(ConfigOverridesTest, TextNeedsNoQuotesEvenIfItLooksLikeJson) {
  const ConfigFolder folder;
  const Config config =
      folder.LoadSet({"run_dir=2024", "data.target_language=true", "evaluation.tokenize=13a"});
  EXPECT_EQ(config.run_dir, "2024");
  EXPECT_EQ(config.data.target_language, "true");
  EXPECT_EQ(config.evaluation.tokenize, EvaluationTokenizer::k13a);
}

TEST(ConfigOverridesTest, TakePathsFromTheCurrentFolder) {
  const ConfigFolder folder;
  const Config config = folder.LoadSet({"tokenizer.model=m.model", "data.valid.tsv=v.tsv",
                                        R"(data.test.source=["a", "/b"])",
                                        R"(data.test.target=["../c", "${WAVEMT_DATA}/d"])"});
  const fs::path here = fs::current_path();
  EXPECT_EQ(config.tokenizer.model, here / "m.model");
  EXPECT_THAT(config.data.valid.unnamed.files.tsv, ElementsAre(here / "v.tsv"));
  EXPECT_THAT(config.data.test.unnamed.files.source, ElementsAre(here / "a", "/b"));
  EXPECT_EQ(config.data.test.unnamed.files.target[0], here.parent_path() / "c");
}

TEST(ConfigOverridesTest, RefuseAPathThatIsNotUtf8) {
  const ConfigFolder folder;
  EXPECT_THAT(
      folder.RefusalSet({"data.valid.tsv=caf\xe9.tsv"}),
      testing::AllOf(StartsWith("--set data.valid.tsv="),
                     testing::EndsWith(".tsv is not UTF-8; rename the file or its folder")));
}

TEST(ConfigOverridesTest, ExpandTheDataVariable) {
  const DataVariable variable("/corpora");
  const ConfigFolder folder;
  EXPECT_EQ(folder.LoadSet({"tokenizer.model=${WAVEMT_DATA}/m"}).tokenizer.model, "/corpora/m");
}

TEST(ConfigOverridesTest, AnEmptyPathRemovesTheFiles) {
  const ConfigFolder folder;
  const std::string keys = R"("tokenizer": {"model": "m.model"})";
  EXPECT_TRUE(folder.LoadWith(keys, {"tokenizer.model="}).tokenizer.model.empty());
  const Config config =
      folder.LoadSet({"data.train.tsv=", "data.train.source=a.en", "data.train.target=a.zh"});
  EXPECT_THAT(config.data.train.unnamed.files.tsv, IsEmpty());
}

TEST(ConfigOverridesTest, ReplaceTheFilesValuesAndEarlierOverrides) {
  const ConfigFolder folder;
  const std::string keys = R"("training": {"max_steps": 10, "log_every": 3})";
  const Config config =
      folder.LoadWith(keys, {"training.max_steps=20", "seed=5", "training.max_steps=30"});
  EXPECT_EQ(config.training.max_steps, 30);
  EXPECT_EQ(config.training.log_every, 3);
  EXPECT_EQ(config.seed, 5);
}

TEST(ConfigOverridesTest, RefuseTextThatIsNotAnAssignment) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalSet({"training.max_steps"}),
            "--set training.max_steps: must be key=value, for example training.max_steps=100");
  EXPECT_EQ(folder.RefusalSet({"=3"}),
            "--set =3: must be key=value, for example training.max_steps=100");
}

TEST(ConfigOverridesTest, RefuseAnUnknownKeyAndSuggestAnother) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalSet({"training.max_step=3"}),
            "--set training.max_step=3: there is no config key \"training.max_step\" (did you mean "
            "\"training.max_steps\"?)");
  EXPECT_EQ(folder.RefusalSet({"nothing.like.it=3"}),
            "--set nothing.like.it=3: there is no config key \"nothing.like.it\"");
}

TEST(ConfigOverridesTest, RefuseASectionAndNameOneOfItsKeys) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalSet({"model={}"}),
            "--set model={}: \"model\" is a section of the config; set one of its keys, for "
            "example model.d_model");
  EXPECT_EQ(folder.RefusalSet({"data.train=x.tsv"}),
            "--set data.train=x.tsv: \"data.train\" is a section of the config; set one of its "
            "keys, for example data.train.source, or give the whole section, or a list of named "
            "ones, as JSON");
}

TEST(ConfigOverridesTest, RefuseTheWrongTypeAsTheFileDoes) {
  const ConfigFolder folder;
  EXPECT_EQ(folder.RefusalSet({"seed=many"}),
            "--set seed=many: seed: \"many\" is not a whole number");
  EXPECT_EQ(folder.RefusalSet({"seed="}), "--set seed=: seed: \"\" is not a whole number");
  EXPECT_EQ(folder.RefusalSet({"tokenizer.shared=yes"}),
            "--set tokenizer.shared=yes: tokenizer.shared: \"yes\" is not true or false");
  EXPECT_EQ(
      folder.RefusalSet({"training.learning_rate=1e999"}),
      "--set training.learning_rate=1e999: training.learning_rate: \"1e999\" is not a number");
}

TEST(ConfigOverridesTest, RefuseAListThatIsNotClosed) {
  const ConfigFolder folder;
  EXPECT_THAT(folder.RefusalSet({R"(data.valid.tsv=["a")"}),
              StartsWith("--set data.valid.tsv=[\"a\": line 1, column 5: not valid JSON: "));
}

TEST(ConfigOverridesTest, NameTheFullKeyThatIsNotASectionInTheFile) {
  const ConfigFolder folder;
  const std::string text = folder.WithTrainingText(R"("training": {"optimizer": 3})");
  EXPECT_EQ(folder.Refusal(text, {"training.optimizer.beta1=0.8"}),
            "config.json: training.optimizer: must be an object {...}, not 3");
}

TEST(AllConfigKeysTest, AreInTheOrderOfTheFile) {
  const std::vector<std::string> keys = AllConfigKeys();
  EXPECT_EQ(keys[0], "seed");
  EXPECT_EQ(keys[1], "run_dir");
  EXPECT_EQ(keys[2], "data.train.source");
  EXPECT_EQ(keys.back(), "evaluation.tokenize");
}

}  // namespace
}  // namespace wavemt
