#include "config/config_resume.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "config/config_writer.h"
#include "support/error.h"

namespace wavemt {
namespace {

using ::testing::StrEq;
using ::testing::ThrowsMessage;

bool MayChangeIn(const Config& config, const std::string& key) {
  try {
    RequireMayChange(config, {ConfigOverride(key + "=1")});
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    return false;
  }
}

// The keys that can change if the best checkpoint is chosen by `metric`.
std::set<std::string> ChangeableKeys(ValidationMetric metric) {
  Config config;
  config.training.best_metric = metric;
  std::set<std::string> keys;
  for (const std::string& key : AllConfigKeys()) {
    if (MayChangeIn(config, key)) keys.insert(key);
  }
  return keys;
}

TEST(ConfigResume, AKeyIsFixedUnlessItSaysOtherwise) {
  Config config;
  for (const std::string key :
       {"seed", "run_dir", "data.max_length", "model.d_model", "model.dropout",
        "model.position_encoding.type", "tokenizer.vocab_size", "training.batch_tokens",
        "training.optimizer.type", "training.gradient_accumulation", "training.best_metric"}) {
    EXPECT_FALSE(MayChangeIn(config, key)) << key;
  }
  for (const std::string key :
       {"data.train.source", "data.valid.tsv", "data.cache_dir", "training.max_steps",
        "training.learning_rate", "training.optimizer.beta1", "training.r_drop.alpha",
        "training.gradient_checkpointing", "decoding.beam_size", "decoding.length_penalty"}) {
    EXPECT_TRUE(MayChangeIn(config, key)) << key;
  }
}

TEST(ConfigResume, WhatScoresDependOnIsFixedWhereTheyDecide) {
  const std::set<std::string> by_loss = ChangeableKeys(ValidationMetric::kLoss);
  std::set<std::string> fixed_for_chrf = by_loss;
  for (const std::string& key : ChangeableKeys(ValidationMetric::kChrf)) fixed_for_chrf.erase(key);
  EXPECT_EQ(
      fixed_for_chrf,
      (std::set<std::string>{
          "data.source_language", "decoding.attention_layer", "decoding.coverage_penalty",
          "decoding.max_output_length", "decoding.max_output_ratio", "decoding.min_output_length",
          "decoding.min_output_ratio", "decoding.no_repeat_ngram_size", "decoding.precision",
          "decoding.split_sentences", "training.validation_beam_size"}));
  std::set<std::string> fixed_for_bleu = by_loss;
  for (const std::string& key : ChangeableKeys(ValidationMetric::kBleu)) fixed_for_bleu.erase(key);
  std::set<std::string> expected = fixed_for_chrf;
  expected.insert({"data.target_language", "evaluation.tokenize"});
  EXPECT_EQ(fixed_for_bleu, expected);
}

TEST(ConfigResume, ASectionStandsForItsKeys) {
  EXPECT_FALSE(MayChangeIn(Config(), "model"));
  EXPECT_FALSE(MayChangeIn(Config(), "training.optimizer"));
  EXPECT_TRUE(MayChangeIn(Config(), "data.valid"));
}

TEST(ConfigResume, NamesWhatWasTyped) {
  EXPECT_THAT(
      [] {
        RequireMayChange(Config(), {"training.max_steps=7", "model.d_model=8"});
      },
      ThrowsMessage<Error>(StrEq("--set model.d_model=8: model.d_model cannot change in the middle "
                                 "of a run; start a new one with `wavemt train`")));
}

TEST(ConfigResume, TheSchemaSaysSo) {
  const Json schema = ConfigSchema()["properties"];
  EXPECT_EQ(schema["seed"]["x-resume"], false);
  const Json training = schema["training"]["properties"];
  EXPECT_EQ(training["max_steps"]["x-resume"], true);
  EXPECT_EQ(training["validation_beam_size"]["x-resume"],
            "unless training.best_metric is bleu, chrf or accuracy");
}

}  // namespace
}  // namespace wavemt
