#include "training/training_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "support/error.h"

namespace wavemt {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

TrainingState Example() {
  return {.step = 1234,
          .position = {.epoch = 3, .batch = 17},
          .corpus_checksum = int64_t{0xFEDCBA98},
          .target_tokens = int64_t{1} << 40,
          .seconds = 0.1 + 0.2,  // Needs seventeen digits.
          .best_score = 27.123456789012345,
          .best_loss = 1.2345678901234567,
          .best_step = 1000,
          .next_best = {{.step = 1200, .score = 26.987654321098765, .loss = 1.25},
                        {.step = 800, .score = 26.5, .loss = std::nullopt}},
          .validations_without_best = 2,
          .validation_pending = true,
          .valid_checksum = int64_t{0x89ABCDEF},
          .valid_length_penalty = 0.7,
          .skipped_steps = 7,
          .skipped_in_a_row = 3,
          .memory = {.limit = 8'000'000'000, .tensors = 7'654'321'000},
          .interval_loss = 98765.4321,
          .interval_tokens = 4096,
          .metrics = MetricsLog::Mark{.bytes = 12345, .checksum = Crc32(0x89ABCDEF)}};
}

void ExpectSame(const TrainingState& a, const TrainingState& b) {
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.position, b.position);
  EXPECT_EQ(a.position_is_of_earlier_version, b.position_is_of_earlier_version);
  EXPECT_EQ(a.best_loss, b.best_loss);
  EXPECT_EQ(a.valid_checksum, b.valid_checksum);
  EXPECT_EQ(a.valid_length_penalty, b.valid_length_penalty);
  EXPECT_EQ(a.corpus_checksum, b.corpus_checksum);
  EXPECT_EQ(a.target_tokens, b.target_tokens);
  EXPECT_EQ(a.seconds, b.seconds);
  EXPECT_EQ(a.best_score, b.best_score);
  EXPECT_EQ(a.best_step, b.best_step);
  EXPECT_EQ(a.next_best, b.next_best);
  EXPECT_EQ(a.validations_without_best, b.validations_without_best);
  EXPECT_EQ(a.validation_pending, b.validation_pending);
  EXPECT_EQ(a.skipped_steps, b.skipped_steps);
  EXPECT_EQ(a.skipped_in_a_row, b.skipped_in_a_row);
  EXPECT_EQ(a.memory.limit, b.memory.limit);
  EXPECT_EQ(a.memory.tensors, b.memory.tensors);
  EXPECT_EQ(a.interval_loss, b.interval_loss);
  EXPECT_EQ(a.interval_tokens, b.interval_tokens);
  ASSERT_EQ(a.metrics.has_value(), b.metrics.has_value());
  if (!a.metrics) return;
  EXPECT_EQ(a.metrics->bytes, b.metrics->bytes);
  EXPECT_EQ(a.metrics->checksum.value(), b.metrics->checksum.value());
}

bool MayBeMissing(std::string_view name) {
  return name == "corpus_checksum" || name == "valid_checksum" || name == "best_loss" ||
         name == "valid_length_penalty" || name == "next_best" || name == "epochs_completed" ||
         name == "num_ranks" || name.starts_with("metrics_");
}

TrainingState ThroughText(const TrainingState& state) {
  return TrainingStateFromJson(ParseJson(ToJson(state).dump(2), "state.json"), "state.json");
}

TEST(TrainingState, OfBeforeVersion020CountsCompletedEpochs) {
  Json json = ToJson(Example());
  EXPECT_EQ(json["epoch"], 4) << "what people are told: the fourth is under way";
  json["epoch"] = 3;
  for (const char* name :
       {"epochs_completed", "best_loss", "valid_checksum", "valid_length_penalty"}) {
    json.erase(name);
  }
  TrainingState expected = Example();
  expected.position_is_of_earlier_version = true;
  expected.best_loss = std::nullopt;
  expected.valid_checksum = std::nullopt;
  expected.valid_length_penalty = std::nullopt;
  ExpectSame(TrainingStateFromJson(json, "state.json"), expected);
}

TEST(TrainingState, EpochNumberIsThatOfTheLastBatch) {
  EXPECT_EQ(EpochNumber({.epoch = 0, .batch = 0}), 1);
  EXPECT_EQ(EpochNumber({.epoch = 0, .batch = 5}), 1);
  EXPECT_EQ(EpochNumber({.epoch = 1, .batch = 0}), 1);
  EXPECT_EQ(EpochNumber({.epoch = 1, .batch = 1}), 2);
}

TEST(TrainingState, OfBeforeItHeldChecksumsComesBackWithoutThem) {
  Json json = ToJson(Example());
  for (const char* name : {"corpus_checksum", "metrics_bytes", "metrics_checksum"}) {
    json.erase(name);
  }
  TrainingState expected = Example();
  expected.corpus_checksum = std::nullopt;
  expected.metrics = std::nullopt;
  ExpectSame(TrainingStateFromJson(json, "state.json"), expected);
  ExpectSame(ThroughText(expected), expected);
}

TEST(TrainingState, ComesBackFromItsTextToTheLastBit) {
  ExpectSame(ThroughText(Example()), Example());
  ExpectSame(ThroughText({}), {});
  EXPECT_EQ(ThroughText({}).best_score, std::nullopt);
}

TEST(TrainingState, RefusesAMissingMember) {
  const Json whole = ToJson(Example());
  for (const auto& [name, value] : whole.items()) {
    if (MayBeMissing(name)) continue;
    Json without = whole;
    without.erase(name);
    EXPECT_THAT([&] { TrainingStateFromJson(without, "state.json"); },
                ThrowsMessage<Error>(AllOf(StartsWith("state.json: "), HasSubstr(name))));
  }
}

TEST(TrainingState, RefusesWrongValues) {
  const Json whole = ToJson(Example());
  for (const auto& [name, value] : whole.items()) {
    const bool is_count = value.is_number_integer();
    for (const Json& wrong : {Json("1"), Json(true), Json::array(), Json::object(), Json(nullptr),
                              Json(-1), Json(1.5), Json(~uint64_t{0})}) {
      if (!is_count && wrong.is_number()) continue;
      if (wrong.is_boolean() && value.is_boolean()) continue;
      const bool may_be_null =
          name == "best_score" || name == "interval_loss" || MayBeMissing(name);
      if (wrong.is_null() && may_be_null) continue;
      if (wrong.is_array() && name == "next_best") continue;  // Nothing follows the best one.
      Json changed = whole;
      changed[name] = wrong;
      EXPECT_THAT([&] { TrainingStateFromJson(changed, "state.json"); },
                  ThrowsMessage<Error>(AllOf(StartsWith("state.json: "), HasSubstr(name))))
          << name << ": " << wrong;
    }
  }
}

TEST(TrainingState, OfBeforeItHeldSeveralBestOnesComesBackWithTheBest) {
  Json json = ToJson(Example());
  json.erase("next_best");
  TrainingState expected = Example();
  expected.next_best.clear();
  ExpectSame(TrainingStateFromJson(json, "state.json"), expected);
}

TEST(TrainingState, RefusesBestOnesThatCannotBe) {
  const auto expect_refused = [](const Json& next_best, const std::string& reason) {
    Json json = ToJson(Example());
    json["next_best"] = next_best;
    EXPECT_THAT(
        [&] { TrainingStateFromJson(json, "state.json"); },
        ThrowsMessage<Error>(AllOf(StartsWith("state.json: \"next_best\""), HasSubstr(reason))))
        << next_best;
  };
  const auto with_step = [](const Json& step) {
    return Json::array({Json{{"step", step}, {"score", 1.5}, {"loss", 2.5}}});
  };
  expect_refused(with_step(1235), "or a step after the last");
  expect_refused(with_step(1000), "names the best step again");
  expect_refused(with_step(-1), "\"step\"");
  expect_refused(with_step("1"), "\"step\"");
  expect_refused(with_step(~uint64_t{0}), "\"step\"");
  expect_refused(Json::array({1}), "\"step\"");
  expect_refused(Json::array({Json{{"step", 1}, {"loss", 1.5}}}), "\"score\"");
  expect_refused(Json::array({Json{{"step", 1}, {"score", nullptr}}}), "\"score\"");
  expect_refused(Json::array({Json{{"step", 1}, {"score", 1.5}, {"loss", "low"}}}), "\"loss\"");
  Json twice = with_step(7);
  twice.push_back(twice[0]);
  expect_refused(twice, "a step twice");
  Json many = Json::array();
  for (int step = 1; step <= 101; ++step) many.push_back({{"step", step}, {"score", 1.5}});
  expect_refused(many, "at most 100 scores");
  expect_refused(nullptr, "is not a list");
}

TEST(TrainingState, RefusesBestOnesAfterNone) {
  Json json = ToJson(Example());
  json["best_score"] = nullptr;
  EXPECT_THAT([&] { TrainingStateFromJson(json, "state.json"); },
              ThrowsMessage<Error>(HasSubstr("\"next_best\" follows no best score")));
}

TEST(TrainingState, RefusesMoreSkippedStepsThanSteps) {
  Json json = ToJson(Example());
  json["skipped_steps"] = Example().step + 1;
  EXPECT_THAT([&] { TrainingStateFromJson(json, "state.json"); },
              ThrowsMessage<Error>(HasSubstr("\"skipped_steps\" is more than all steps")));
}

TEST(TrainingState, RefusesWhatIsNoObject) {
  for (const Json& json : {Json(), Json::array(), Json(1), Json("state")}) {
    EXPECT_THROW(TrainingStateFromJson(json, "state.json"), Error);
  }
}

// A diverged run can still be inspected, without an error about its own checkpoint.
TEST(TrainingState, KeepsALossThatIsNoNumber) {
  TrainingState state = Example();
  state.interval_loss = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(ThroughText(state).interval_loss));
  state.interval_loss = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(std::isfinite(ThroughText(state).interval_loss));
}

}  // namespace
}  // namespace wavemt
