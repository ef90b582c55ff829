#include "training/metrics_log.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <optional>
#include <string>

#include "../support/captured_log.h"
#include "../support/temporary_folder.h"

namespace wavemt {
namespace {

class MetricsLogTest : public testing::Test {
 protected:
  std::string Contents() const { return folder_.Read("metrics.jsonl"); }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "metrics.jsonl";
};

TEST_F(MetricsLogTest, WritesALineThatIsReadableAtOnce) {
  MetricsLog log(path_, {.step = 0});
  log.Write({{"step", 5}, {"loss", 1.5}});
  EXPECT_EQ(Contents(), "{\"step\":5,\"loss\":1.5}\n");
  log.Write({{"step", 10}});
  EXPECT_EQ(Contents(), "{\"step\":5,\"loss\":1.5}\n{\"step\":10}\n");
}

TEST_F(MetricsLogTest, DropsLaterLinesAndContinuesAfterTheRest) {
  folder_.Write("metrics.jsonl",
                "{\"step\":5}\n{\"step\":10,\"valid/loss\":2}\n{\"step\":10}\n{\"step\":15}\n");
  MetricsLog log(path_, {.step = 10});
  EXPECT_EQ(Contents(), "{\"step\":5}\n{\"step\":10,\"valid/loss\":2}\n{\"step\":10}\n");
  log.Write({{"step", 15}, {"loss", 1}});
  EXPECT_EQ(Contents(),
            "{\"step\":5}\n{\"step\":10,\"valid/loss\":2}\n{\"step\":10}\n"
            "{\"step\":15,\"loss\":1}\n");
}

TEST_F(MetricsLogTest, DropsALineThatWasCutShort) {
  folder_.Write("metrics.jsonl", "{\"step\":5}\n{\"step\":6,\"lo");
  MetricsLog log(path_, {.step = 10});
  log.Write({{"step", 11}});
  EXPECT_EQ(Contents(), "{\"step\":5}\n{\"step\":11}\n");
}

TEST_F(MetricsLogTest, DropsALineWithNulBytes) {
  folder_.Write("metrics.jsonl", std::string("{\"step\":5}\n{\"step\":6}\0\0\n{\"step\":7}\n", 35));
  MetricsLog log(path_, {.step = 10});
  EXPECT_EQ(Contents(), "{\"step\":5}\n{\"step\":7}\n");
}

TEST_F(MetricsLogTest, ANewRunForgetsWhatWasThere) {
  folder_.Write("metrics.jsonl", "{\"step\":5}\n");
  const MetricsLog log(path_, {.step = 0});
  EXPECT_EQ(Contents(), "");
}

// The validation was interrupted and will be repeated.
TEST_F(MetricsLogTest, DropsTheValidationOfTheLastStepWhereItIsPending) {
  folder_.Write("metrics.jsonl",
                "{\"step\":5,\"valid/loss\":3}\n{\"step\":10}\n{\"step\":10,\"valid/loss\":2}\n");
  const MetricsLog log(path_, {.step = 10, .with_validation = false});
  EXPECT_EQ(Contents(), "{\"step\":5,\"valid/loss\":3}\n{\"step\":10}\n");
}

TEST_F(MetricsLogTest, DropsTheSamplesOfAPendingValidationToo) {
  const std::string old = "{\"step\":5,\"set\":\"valid\",\"translation\":\"\"}\n";
  const std::string pending = "{\"step\":10,\"set\":\"valid\",\"translation\":\"\"}\n";
  folder_.Write("metrics.jsonl", old + pending);
  { const MetricsLog log(path_, {.step = 10}); }
  EXPECT_EQ(Contents(), old + pending);
  const MetricsLog log(path_, {.step = 10, .with_validation = false});
  EXPECT_EQ(Contents(), old);
}

TEST_F(MetricsLogTest, SaysWhereTheLogIsNotWhatItWas) {
  std::optional<MetricsLog::Mark> mark;
  {
    MetricsLog log(path_, {.step = 0});
    for (const int step : {5, 10}) log.Write({{"step", step}});
    mark = log.mark();
    log.Write({{"step", 15}});
  }
  const std::string whole = Contents();
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->bytes, 23);
  const auto warnings = [&](const std::string& contents) {
    folder_.Write("metrics.jsonl", contents);
    const CapturedLog captured;
    MetricsLog log(path_, {.step = 10, .mark = mark});
    EXPECT_EQ(log.mark()->bytes, static_cast<int64_t>(Contents().size()));
    log.Write({{"step", 11}});
    EXPECT_EQ(log.mark()->checksum.value(), Crc32Of(Contents()).value());
    return captured.text();
  };
  EXPECT_EQ(warnings(whole), "");
  EXPECT_EQ(warnings(whole.substr(0, 23)), "");
  for (size_t i = 0; i < 23; ++i) {
    std::string damaged = whole;
    damaged[i] ^= 1;
    for (const std::string& contents : {damaged, whole.substr(0, i)}) {
      EXPECT_THAT(warnings(contents),
                  testing::HasSubstr("metrics.jsonl: is not what was written up to step 10: lines "
                                     "are damaged, changed or lost; readable ones are kept"));
    }
  }
}

TEST_F(MetricsLogTest, SaysSoOnceThoughTheLogCannotBeWritten) {
  folder_.Write("metrics.jsonl", "{\"step\":4}\n");
  // The temporary name under which the kept lines would be written.
  const std::string blocked = fmt::format("{}.{}.unfinished", path_.string(), getpid());
  std::filesystem::create_directory(blocked);
  MetricsLog::Mark mark;
  mark.Add("{\"step\":5}\n{\"step\":10}\n");
  const CapturedLog captured;
  {
    MetricsLog log(path_, {.step = 3, .mark = mark});
    for (const int step : {4, 5, 6}) log.Write({{"step", step}});
    EXPECT_FALSE(log.mark());
    std::filesystem::remove(blocked);
  }
  const std::string text = captured.text();
  EXPECT_EQ(text.find("is not what was written"), text.rfind("is not what was written"));
  EXPECT_EQ(Contents(), "{\"step\":4}\n{\"step\":5}\n{\"step\":6}\n");
}

TEST_F(MetricsLogTest, WhatIsNoNumberIsNull) {
  MetricsLog log(path_, {.step = 0});
  log.Write({{"step", 1}, {"loss", NAN}});
  EXPECT_EQ(Contents(), "{\"step\":1,\"loss\":null}\n");
}

}  // namespace
}  // namespace wavemt
