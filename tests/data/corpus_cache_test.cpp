#include "data/corpus_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "data/corpus_loader.h"
#include "support/files.h"
#include "synthetic_text.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsNull;
using testing::NotNull;

std::string TextOf(size_t lines, uint64_t seed) {
  std::string text;
  for (const std::string& line : SyntheticSentences(lines, seed)) text += line + "\n";
  return text;
}

std::vector<std::string> NamesIn(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  return names;
}

class CorpusCacheTest : public testing::Test {
 protected:
  CorpusCache Cache() const { return {text_, tokenizers_, options_, cache_folder_}; }
  std::unique_ptr<const CachedCorpus> FindOrBuild() const { return Cache().FindOrBuild(); }
  // Identifies the file: rebuilding the cache changes it.
  ino_t Inode() const {
    struct stat status {};
    EXPECT_EQ(stat(Cache().path().c_str(), &status), 0);
    return status.st_ino;
  }

  TemporaryFolder folder_;
  fs::path cache_folder_ = folder_.path() / "above/cache";
  TrainingCorpus text_ = {.files = {.source = {folder_.Write("a.en", TextOf(300, 1))},
                                    .target = {folder_.Write("a.zh", TextOf(300, 2))},
                                    .tsv = {}}};
  TokenizerPair tokenizers_ = {.source = SyntheticTokenizer(), .target = SyntheticTokenizer()};
  TokenizeOptions options_ = {.max_length = 12, .num_threads = 2, .name = "data.train"};
};

TEST_F(CorpusCacheTest, HoldsTheTokenizedText) {
  MemoryCorpus memory;
  const CorpusCounts counts =
      TokenizeCorpus(text_, tokenizers_, options_,
                     [&](const TokenizedPair& pair) { memory.Add(pair.source, pair.target); });
  ASSERT_GT(counts.too_long, 10);
  const auto built = FindOrBuild();
  const auto found = FindOrBuild();
  for (const auto* cached : {&built, &found}) {
    ASSERT_EQ((*cached)->size(), memory.size());
    EXPECT_EQ((*cached)->file().counts().Summary(12), counts.Summary(12));
    for (int64_t i = 0; i < memory.size(); ++i) {
      ASSERT_EQ((*cached)->source(i), memory.source(i));
      ASSERT_EQ((*cached)->target(i), memory.target(i));
    }
  }
}

TEST_F(CorpusCacheTest, HoldsWeightsAndWhyPairsWereLeftOut) {
  std::string weights;
  for (int i = 0; i < 300; ++i) weights += fmt::format("{}\n", i % 4 * 0.25);
  text_.weights = {folder_.Write("weights", weights)};
  text_.filter.max_words = 9;
  MemoryCorpus memory;
  const CorpusCounts counts = TokenizeCorpus(
      text_, tokenizers_, options_,
      [&](const TokenizedPair& pair) { memory.Add(pair.source, pair.target, pair.weight); });
  ASSERT_GT(counts.zero_weight, 10);
  ASSERT_GT(counts.filtered[static_cast<size_t>(PairProblem::kTooLong)], 10);
  FindOrBuild();
  const auto found = FindOrBuild();
  EXPECT_EQ(found->file().counts().Summary(12), counts.Summary(12));
  EXPECT_EQ(found->checksum(), memory.checksum());
  ASSERT_EQ(found->size(), memory.size());
  EXPECT_TRUE(found->has_weights());
  for (int64_t i = 0; i < memory.size(); ++i) ASSERT_EQ(found->weight(i), memory.weight(i));
}

TEST_F(CorpusCacheTest, BelongsToPrefixFilterAndWeights) {
  const fs::path plain = Cache().path();
  text_.source_prefix = "ka";
  const fs::path tagged = Cache().path();
  EXPECT_NE(tagged, plain);
  text_.filter.remove_duplicates = true;
  const fs::path filtered = Cache().path();
  EXPECT_NE(filtered, tagged);
  text_.weights = {folder_.Write("weights", "1\n")};
  EXPECT_NE(Cache().path(), filtered);
}

TEST_F(CorpusCacheTest, IsBuiltOnceForTheSameTextAndSettings) {
  EXPECT_THAT(Cache().Find(), IsNull());
  EXPECT_FALSE(fs::exists(folder_.path() / "above"));
  FindOrBuild();
  const ino_t inode = Inode();
  EXPECT_THAT(Cache().Find(), NotNull());
  FindOrBuild();
  EXPECT_EQ(Inode(), inode);
  EXPECT_THAT(NamesIn(cache_folder_), ElementsAre(Cache().path().filename().string()));
}

TEST_F(CorpusCacheTest, IsRebuiltWhenTheTextChanges) {
  FindOrBuild();
  const ino_t inode = Inode();
  const auto time = fs::last_write_time(text_.files.target[0]);
  std::string text = folder_.Read("a.zh");
  text.replace(text.find("ka"), 2, "mi");
  folder_.Write("a.zh", text);
  fs::last_write_time(text_.files.target[0], time);  // Like `cp -p` and rsync.
  EXPECT_THAT(Cache().Find(), IsNull());
  const auto corpus = FindOrBuild();
  EXPECT_NE(Inode(), inode);
  EXPECT_EQ(corpus->target(0), tokenizers_.target->Encode(text.substr(0, text.find('\n'))));
}

TEST_F(CorpusCacheTest, NewTimesOfTheSameTextChangeNothing) {
  FindOrBuild();
  const ino_t inode = Inode();
  const std::string text = folder_.Read("a.en");
  fs::remove(text_.files.source[0]);
  folder_.Write("a.en", text);
  FindOrBuild();
  EXPECT_EQ(Inode(), inode);
}

TEST_F(CorpusCacheTest, OtherSettingsHaveTheirOwnCache) {
  FindOrBuild();
  const fs::path first = Cache().path();
  options_.max_length = 11;
  EXPECT_NE(Cache().path(), first);
  EXPECT_THAT(Cache().Find(), IsNull());
  options_.max_length = 12;
  options_.keeps_text = true;
  EXPECT_NE(Cache().path(), first);
  EXPECT_THAT(Cache().Find(), IsNull());
  options_.keeps_text = false;
  TokenizerConfig config;
  config.vocab_size = 50;
  config.byte_fallback = false;
  tokenizers_.target =
      Tokenizer::FromBytes(TrainTokenizer(config, SyntheticSentences(300)), "another");
  EXPECT_NE(Cache().path(), first);
  EXPECT_THAT(Cache().Find(), IsNull());
  std::swap(text_.files.source, text_.files.target);
  EXPECT_THAT(Cache().Find(), IsNull());
}

TEST_F(CorpusCacheTest, IsRebuiltWhenItIsDamaged) {
  const auto intact = FindOrBuild();
  const fs::path path = Cache().path();
  const std::string whole = ReadFile(path);
  for (const size_t position : {size_t{0}, whole.size() / 2, whole.size() - 1}) {
    std::string damaged = whole;
    damaged[position] = static_cast<char>(damaged[position] ^ 1);
    WriteFileAtomically(path, damaged);
    EXPECT_THAT(Cache().Find(), IsNull());
    EXPECT_EQ(FindOrBuild()->source(7), intact->source(7));
    EXPECT_EQ(ReadFile(path), whole);
  }
}

TEST_F(CorpusCacheTest, RefusedTextLeavesNothingBehind) {
  folder_.Write("a.zh", TextOf(299, 2));
  EXPECT_THAT(UsageErrorOf([&] { FindOrBuild(); }), testing::HasSubstr("has 300 lines but"));
  EXPECT_FALSE(fs::exists(folder_.path() / "above"));
  fs::create_directory(folder_.path() / "above");
  folder_.Write("a.zh", "\xFF\n");
  EXPECT_THAT(UsageErrorOf([&] { FindOrBuild(); }), testing::HasSubstr("invalid UTF-8"));
  EXPECT_THAT(NamesIn(folder_.path() / "above"), IsEmpty());
}

TEST_F(CorpusCacheTest, RemovesWhatAKilledProcessLeft) {
  fs::create_directories(cache_folder_);
  const pid_t child = fork();
  if (child == 0) {
    CorpusCacheWriter writer(Cache().path(), 50, 12);
    writer.Add({.source = std::vector<int32_t>(1'000'000, 1),
                .target = std::vector{1},
                .source_text = "many",
                .target_text = "one"});
    _exit(0);  // Like being killed: runs no destructors.
  }
  ASSERT_GT(child, 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  ASSERT_EQ(NamesIn(cache_folder_).size(), 2);
  const std::string others = Cache().path().string() + "x.1.unfinished";
  folder_.Write(others, "of another cache");
  EXPECT_THAT(Cache().Find(), IsNull());
  EXPECT_THAT(FindOrBuild(), NotNull());
  EXPECT_THAT(NamesIn(cache_folder_),
              testing::UnorderedElementsAre(Cache().path().filename().string(),
                                            fs::path(others).filename().string()));
}

TEST_F(CorpusCacheTest, ConcurrentBuildersBuildItOnce) {
  std::vector<std::future<ino_t>> builders;
  for (int i = 0; i < 4; ++i) {
    builders.push_back(std::async(std::launch::async, [&] {
      EXPECT_GT(FindOrBuild()->size(), 0);
      return Inode();
    }));
  }
  std::vector<ino_t> inodes;
  for (auto& builder : builders) inodes.push_back(builder.get());
  EXPECT_THAT(inodes, testing::Each(inodes[0]));
  EXPECT_THAT(NamesIn(cache_folder_), ElementsAre(Cache().path().filename().string()));
}

TEST_F(CorpusCacheTest, LoadCorpusKeepsSmallTextInMemoryByDefault) {
  LoadOptions options = {.tokenize = options_, .cache_dir = cache_folder_};
  const LoadedCorpus memory = LoadCorpus(text_, tokenizers_, options);
  EXPECT_FALSE(fs::exists(cache_folder_));
  options.cache_small = true;
  options.may_write = false;
  EXPECT_EQ(LoadCorpus(text_, tokenizers_, options).corpus->size(), memory.corpus->size());
  EXPECT_FALSE(fs::exists(cache_folder_));
  options.may_write = true;
  const LoadedCorpus cached = LoadCorpus(text_, tokenizers_, options);
  EXPECT_TRUE(fs::exists(Cache().path()));
  EXPECT_EQ(cached.counts.Summary(12), memory.counts.Summary(12));
  // An existing cache is used even if nothing may be written.
  options.may_write = false;
  const LoadedCorpus found = LoadCorpus(text_, tokenizers_, options);
  EXPECT_THAT(dynamic_cast<const CachedCorpus*>(found.corpus.get()), NotNull());
}

TEST_F(CorpusCacheTest, TheSizeOfCompressedTextIsEstimated) {
  EXPECT_EQ(TextBytes(text_), FileBytes(text_));
  text_.files.source[0] = folder_.Write("a.en.gz", "\x1F\x8B" + std::string(98, 'x'));
  text_.files.target[0] = folder_.Write("a.zh", std::string(50, 'x'));
  EXPECT_EQ(FileBytes(text_), 150);
  EXPECT_EQ(TextBytes(text_), 450);
}

}  // namespace
}  // namespace wavemt
