#include "support/append_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "../support/file_size_limit.h"
#include "../support/temporary_folder.h"
#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

using testing::HasSubstr;
using testing::Not;

class AppendFileTest : public testing::Test {
 protected:
  // Not the captured log: in some tests the size limit also applies to the file that captures it.
  AppendFileTest() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(said_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", std::move(sink)));
    spdlog::set_pattern("%l: %v");
  }
  ~AppendFileTest() override { spdlog::set_default_logger(before_); }

  // What was logged so far.
  std::string Said() const { return said_.str(); }

  static size_t Count(const std::string& text, const std::string& word) {
    size_t count = 0;
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
      ++count;
    }
    return count;
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "log";

 private:
  std::ostringstream said_;
  std::shared_ptr<spdlog::logger> before_;
};

TEST_F(AppendFileTest, AppendsToAnExistingFile) {
  folder_.Write("log", "old\n");
  AppendFile file(path_);
  file.Append("new\n");
  EXPECT_EQ(folder_.Read("log"), "old\nnew\n");
  file.Sync();
  EXPECT_EQ(Said(), "");
}

TEST_F(AppendFileTest, WhatDoesNotFitWaitsAndNothingIsLost) {
  {
    AppendFile file(path_);
    file.Append("first line\n");
    {
      const FileSizeLimit limit(15);
      file.Append("second line\n");
      // No incomplete line.
      EXPECT_EQ(folder_.Read("log"), "first line\n");
      file.Append("third line\n");
      EXPECT_EQ(folder_.Read("log"), "first line\n");
    }
    file.Append("fourth line\n");
    EXPECT_EQ(folder_.Read("log"), "first line\nsecond line\nthird line\nfourth line\n");
  }
  const std::string said = Said();
  EXPECT_EQ(Count(said, "warning: " + path_.string() + ": cannot be written: File too large ("), 1);
  EXPECT_EQ(Count(said, "info: " + path_.string() + ": can be written again"), 1);
  EXPECT_THAT(said, Not(HasSubstr("lost")));
}

TEST_F(AppendFileTest, SaysAtTheEndWhatIsLost) {
  const FileSizeLimit limit(5);
  { AppendFile(path_).Append("0123456789\n"); }
  EXPECT_THAT(Said(), HasSubstr("its last 11 B could not be written and are lost"));
}

TEST_F(AppendFileTest, IsMadeAsSoonAsThatIsPossible) {
  const std::filesystem::path deep = folder_.path() / "later/log";
  AppendFile file(deep);
  file.Append("1\n");
  file.Sync();
  std::filesystem::create_directory(folder_.path() / "later");
  file.Append("2\n");
  EXPECT_EQ(folder_.Read("later/log"), "1\n2\n");
  EXPECT_EQ(Count(Said(), "warning: "), 1);
}

TEST_F(AppendFileTest, PreparesUntilThatSucceeds) {
  int calls = 0;
  AppendFile file(path_, [&] {
    if (++calls < 3) throw Failure("not yet");
  });
  file.Append("1\n");
  EXPECT_FALSE(std::filesystem::exists(path_));
  file.Append("2\n");
  file.Append("3\n");
  EXPECT_EQ(folder_.Read("log"), "1\n2\n3\n");
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace wavemt
