#include "support/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace wavemt {
namespace {

TEST(LoggingTest, WritesToStandardErrorOnly) {
  const std::shared_ptr<spdlog::logger> before = spdlog::default_logger();
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  InitLogging();
  spdlog::info("reading {}", "text");
  spdlog::warn("odd");
  const std::string errors = testing::internal::GetCapturedStderr();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_THAT(errors, testing::MatchesRegex("[^\n]* info: reading text\n[^\n]* warning: odd\n"));
  spdlog::set_default_logger(before);
}

}  // namespace
}  // namespace wavemt
