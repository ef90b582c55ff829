#include "checkpoint/run_checksums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "support/files.h"

namespace wavemt {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class RunChecksumsTest : public testing::Test {
 protected:
  RunChecksumsTest() {
    folder_.Write("config.json", "old");
    folder_.Write("tokenizer.model", "pieces");
    folder_.Write("checksums.json",
                  RunChecksums({{"config.json", "old"}, {"tokenizer.model", "pieces"}}));
  }

  std::string Refusal(const std::string& name) {
    return UsageErrorOf([&] { ReadRunFile(folder_.path(), name); });
  }

  TemporaryFolder folder_;
};

TEST_F(RunChecksumsTest, GivesWhatWasWritten) {
  EXPECT_EQ(ReadRunFile(folder_.path(), "config.json"), "old");
  EXPECT_EQ(ReadRunFile(folder_.path(), "tokenizer.model"), "pieces");
}

TEST_F(RunChecksumsTest, RefusesOtherBytes) {
  folder_.Write("config.json", "olD");
  EXPECT_THAT(Refusal("config.json"), HasSubstr("is damaged or was edited"));
  EXPECT_THAT(Refusal("config.json"), HasSubstr("--set key=value"));
  folder_.Write("tokenizer.model", "piecesx");
  EXPECT_THAT(Refusal("tokenizer.model"), HasSubstr("7 bytes"));
  EXPECT_THAT(Refusal("tokenizer.model"), testing::Not(HasSubstr("--set")));
}

TEST_F(RunChecksumsTest, RefusesWhatItDoesNotList) {
  folder_.Write("source.model", "x");
  EXPECT_EQ(Refusal("source.model"),
            (folder_.path() / "checksums.json").string() + ": does not list source.model");
}

TEST_F(RunChecksumsTest, RefusesWhenItIsDamagedItself) {
  for (const std::string text : {"", "{", "[]", "{}", R"({"format":"wavemt-run","version":2})",
                                 R"({"format":"wavemt-run","version":1,"files":[]})"}) {
    const std::string path = folder_.Write("checksums.json", text);
    EXPECT_THAT(Refusal("config.json"), StartsWith(path + ": ")) << text;
  }
}

TEST_F(RunChecksumsTest, ARunWithoutItIsTakenAsItIs) {
  std::filesystem::remove(folder_.path() / "checksums.json");
  folder_.Write("config.json", "any");
  EXPECT_EQ(ReadRunFile(folder_.path(), "config.json"), "any");
  ReplaceRunFile(folder_.path(), "config.json", "new");
  EXPECT_EQ(folder_.Read("config.json"), "new");
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "checksums.json"));
}

TEST_F(RunChecksumsTest, AReplacedFileIsListed) {
  ReplaceRunFile(folder_.path(), "config.json", "new");
  EXPECT_EQ(ReadRunFile(folder_.path(), "config.json"), "new");
  EXPECT_EQ(folder_.Read("checksums.json"),
            RunChecksums({{"config.json", "new"}, {"tokenizer.model", "pieces"}}));
  folder_.Write("config.json", "old");
  EXPECT_THAT(Refusal("config.json"), HasSubstr("is damaged"));
}

// ReplaceRunFile() writes three times; it is stopped after each of the first two.
TEST_F(RunChecksumsTest, AProcessKilledInBetweenLeavesTheOldFileOrTheNewOne) {
  const std::filesystem::path run = folder_.path();
  // A folder with the file's name makes the second write fail.
  std::filesystem::remove(run / "config.json");
  std::filesystem::create_directory(run / "config.json");
  EXPECT_THAT(UsageErrorOf([&] { ReplaceRunFile(run, "config.json", "new"); }),
              HasSubstr("is a directory"));
  std::filesystem::remove(run / "config.json");
  folder_.Write("config.json", "old");

  std::string between = folder_.Read("checksums.json");
  const std::string after = RunChecksums({{"config.json", "new"}, {"tokenizer.model", "pieces"}});
  const size_t entry = after.find("\"config.json\": {") + 16;
  const std::string next = after.substr(entry, after.find('}', entry) - entry);
  between.insert(between.find('}'), ", \"next\": {" + next + "}");
  folder_.Write("checksums.json", between);
  EXPECT_EQ(ReadRunFile(run, "config.json"), "old");
  folder_.Write("config.json", "new");
  EXPECT_EQ(ReadRunFile(run, "config.json"), "new");
  folder_.Write("config.json", "odd");
  EXPECT_THAT(Refusal("config.json"), HasSubstr("is damaged"));
  folder_.Write("config.json", "old");
  ReplaceRunFile(run, "config.json", "newer");
  EXPECT_EQ(ReadRunFile(run, "config.json"), "newer");
}

}  // namespace
}  // namespace wavemt
