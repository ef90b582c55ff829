#include "data/corpus_cache_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "cache_bytes.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class CorpusCacheFileTest : public testing::Test {
 protected:
  // The error of opening a file with these bytes.
  std::string ErrorOf(const std::string& bytes) const {
    Replace(bytes);
    return FailureOf([&] { OpenCache(path_, kVocabSize, kMaxLength); });
  }

  // Removes the file first, because ext4 syncs a file that is truncated and rewritten.
  void Replace(const std::string& bytes) const {
    fs::remove(path_);
    folder_.Write("a.tokens", bytes);
  }

  std::string SmallCache() const {
    WriteCache(path_, RandomTokens(9, kVocabSize, kMaxLength, 1, /*keeps_text=*/true), kVocabSize,
               kMaxLength, {.settings = "what", .stamps = "when", .contents = "which"});
    return folder_.Read("a.tokens");
  }

  static constexpr int64_t kVocabSize = 50;
  static constexpr int64_t kMaxLength = 7;
  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "a.tokens";
};

TEST_F(CorpusCacheFileTest, ReadsWhatWasWritten) {
  CorpusCacheWriter writer(path_, 50, 7);
  writer.Add({.source = std::vector{1, 2}, .target = std::vector{3}});
  writer.Add({.source = std::vector{4}, .target = std::vector{5, 6}});
  writer.Commit({.settings = "what", .stamps = "when", .contents = "which"},
                {.read = 9, .empty = 4, .too_long = 3, .several_sentences = 1});
  const CorpusCacheFile file(path_);
  EXPECT_EQ(file.origin().settings, "what");
  EXPECT_EQ(file.origin().stamps, "when");
  EXPECT_EQ(file.origin().contents, "which");
  EXPECT_EQ(file.counts().read, 9);
  EXPECT_EQ(file.counts().empty, 4);
  EXPECT_EQ(file.counts().too_long, 3);
  EXPECT_EQ(file.counts().several_sentences, 1);
  EXPECT_EQ(file.bytes(), static_cast<int64_t>(fs::file_size(path_)));
  ASSERT_EQ(file.ids().size(), 6);
  for (uint32_t i = 0; i < 6; ++i) EXPECT_EQ(file.ids()[i], i + 1);
  EXPECT_EQ(file.text(), "");
}

TEST_F(CorpusCacheFileTest, KeepsTextWhereItIsGiven) {
  {
    CorpusCacheWriter writer(path_, 50, 7);
    writer.Add({.source = std::vector{1},
                .target = std::vector{2},
                .weight = 0.5F,
                .source_text = "A dog.",
                .target_text = "Ein Hund."});
    writer.Add({.source = std::vector{3},
                .target = std::vector{4},
                .source_text = "Two.",
                .target_text = "Zwei."});
    writer.Commit({}, {.read = 2});
  }
  // The file in which the text was collected is gone.
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
  const CorpusCacheFile file(path_);
  file.Verify(/*num_threads=*/1);
  EXPECT_EQ(file.text(), "A dog.\nEin Hund.\nTwo.\nZwei.\n");
  EXPECT_EQ(file.ReadWeights(), (std::vector{0.5F, 1.0F}));
  EXPECT_EQ(file.ids()[3], 4U);
}

TEST_F(CorpusCacheFileTest, GetsItsNameOnlyWhenComplete) {
  {
    CorpusCacheWriter writer(path_, 50, 7);
    writer.Add({.source = std::vector<int32_t>(2'000'000, 1),
                .target = std::vector{3},
                .source_text = "many",
                .target_text = "one"});
    EXPECT_FALSE(fs::exists(path_));
    EXPECT_FALSE(fs::is_empty(folder_.path()));
  }
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(CorpusCacheFileTest, FindsEveryFlippedBit) {
  const std::string whole = SmallCache();
  EXPECT_EQ(ErrorOf(whole), "no error");
  for (size_t i = 0; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      ASSERT_THAT(ErrorOf(damaged), StartsWith(path_.string() + ": is ")) << "byte " << i;
    }
  }
}

TEST_F(CorpusCacheFileTest, FindsEveryTruncationAndExtension) {
  const std::string whole = SmallCache();
  for (size_t size = 0; size < whole.size(); ++size) {
    ASSERT_THAT(ErrorOf(whole.substr(0, size)), HasSubstr(": is damaged: ")) << size;
    const std::string rest = whole.substr(size + 1);
    ASSERT_THAT(ErrorOf(rest), HasSubstr(": is damaged: ")) << size;
  }
  for (const size_t more : {1, 8, 4096}) {
    EXPECT_THAT(ErrorOf(whole + std::string(more, '\0')), HasSubstr(": is damaged: "));
    EXPECT_THAT(ErrorOf(std::string(more, '\0') + whole), HasSubstr(": is damaged: "));
  }
}

// In every MiB, not only in the first.
TEST_F(CorpusCacheFileTest, FindsDamageInEveryBlock) {
  WriteCache(path_, RandomTokens(90'000, kVocabSize, 30, 1), kVocabSize, 30);
  const std::string whole = folder_.Read("a.tokens");
  ASSERT_GT(whole.size(), 5 << 20);
  for (size_t position = 1'000; position < whole.size(); position += 900'000) {
    std::string damaged = whole;
    damaged[position] = static_cast<char>(damaged[position] ^ 1);
    folder_.Write("a.tokens", damaged);
    const CorpusCacheFile file(path_);
    for (const int num_threads : {1, 3}) {
      EXPECT_THAT(FailureOf([&] { file.Verify(num_threads); }),
                  HasSubstr(fmt::format("the checksum of bytes {} to ", position >> 20 << 20)));
    }
  }
}

TEST_F(CorpusCacheFileTest, RefusesForgedNumbersWithCorrectChecksums) {
  const std::string whole = SmallCache();
  const size_t data_size =
      8 + 2 * TrailerNumber(whole, 0) + size_t{9} * 2 * 2 + TrailerNumber(whole, kTextBytesNumber);
  std::mt19937_64 generator(1);
  const std::vector<uint64_t> hostile = {0,
                                         1,
                                         3,
                                         255,
                                         whole.size(),
                                         whole.size() + 1,
                                         uint64_t{1} << 31,
                                         uint64_t{1} << 32,
                                         uint64_t{1} << 61,
                                         uint64_t{1} << 62,
                                         uint64_t{1} << 63,
                                         std::numeric_limits<uint64_t>::max(),
                                         std::numeric_limits<uint64_t>::max() - 7};
  int refused = 0;
  constexpr int kTrials = 5'000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::string forged = whole;
    for (uint64_t changes = 1 + generator() % 3; changes > 0; --changes) {
      const size_t index = generator() % kTrailerNumbers;
      const uint64_t small = TrailerNumber(forged, index) + generator() % 5 - 2;
      SetTrailerNumber(&forged, index,
                       generator() % 2 == 0 ? small : hostile[generator() % hostile.size()]);
    }
    Reseal(&forged, data_size);
    Replace(forged);
    try {
      const auto corpus = OpenCache(path_, kVocabSize, kMaxLength);
      for (int64_t pair = 0; pair < corpus->size(); ++pair) {
        corpus->source(pair);
        if (corpus->has_text()) corpus->text(pair);
        corpus->target(pair);
      }
    } catch (const Error& error) {
      ASSERT_THAT(error.what(), HasSubstr(": is damaged: "));
      ++refused;
    }
  }
  EXPECT_GT(refused, kTrials / 2);
}

TEST_F(CorpusCacheFileTest, RefusesOtherVersionsAndOtherFiles) {
  std::string newer = SmallCache();
  newer[newer.size() - 12] = 6;
  EXPECT_EQ(ErrorOf(newer), path_.string() + ": is of version 6, this program reads 5");
  EXPECT_THAT(ErrorOf(std::string(1000, 'x')), HasSubstr("its end is not that of a corpus cache"));
  EXPECT_THAT(FailureOf([&] { CorpusCacheFile(folder_.path()); }), HasSubstr("is not a file"));
  EXPECT_THAT(FailureOf([&] { CorpusCacheFile(folder_.path() / "none"); }),
              HasSubstr("cannot be read: No such file"));
}

}  // namespace
}  // namespace wavemt
