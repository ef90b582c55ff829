#include "data/cached_corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "cache_bytes.h"
#include "data/batcher.h"
#include "same_batch.h"

namespace wavemt {
namespace {

using testing::HasSubstr;

class CachedCorpusTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "a.tokens";
};

// The sizes around 65,536 are where ids and lengths change from 2 to 4 bytes.
TEST_F(CachedCorpusTest, GivesTheSameBatchesAsAMemoryCorpus) {
  for (const int64_t vocab_size : {100, 65'536, 65'537, 1'000'000}) {
    for (const int64_t max_length : {30, 65'535, 65'536}) {
      const MemoryCorpus memory = RandomTokens(700, vocab_size, 30, vocab_size + max_length);
      WriteCache(path_, memory, vocab_size, max_length);
      const auto cached = OpenCache(path_, vocab_size, max_length);
      ASSERT_EQ(cached->size(), 700);
      ASSERT_EQ(cached->checksum(), memory.checksum());
      const Batcher::Options options = {.batch_tokens = 200,
                                        .seed = 3,
                                        .source_special = {.pad = 1, .unk = 0, .bos = 2, .eos = 3},
                                        .target_special = {.pad = 1, .unk = 0, .bos = 2, .eos = 3}};
      Batcher from_memory(memory, options);
      Batcher from_cache(*cached, options);
      for (int64_t i = 2 * from_memory.batches_per_epoch(); i > 0; --i) {
        ExpectSame(from_memory.Next(), from_cache.Next());
        ASSERT_EQ(from_memory.position(), from_cache.position());
      }
    }
  }
}

TEST_F(CachedCorpusTest, TheWidthOfIdsFollowsFromTheVocabulary) {
  const MemoryCorpus memory = RandomTokens(50, 100, 10, 1);
  WriteCache(path_, memory, 65'536, 65'535);
  const auto narrow = std::filesystem::file_size(path_);
  WriteCache(path_, memory, 65'537, 65'536);
  int64_t numbers = 0;
  for (int64_t i = 0; i < 50; ++i) {
    numbers += memory.lengths(i).source + memory.lengths(i).target + 2;
  }
  EXPECT_EQ(std::filesystem::file_size(path_) - narrow, 2 * numbers);
}

TEST_F(CachedCorpusTest, ManyThreadsCanReadAtOnce) {
  const MemoryCorpus memory = RandomTokens(3000, 500, 20, 5);
  WriteCache(path_, memory, 500, 20);
  const auto cached = OpenCache(path_, 500, 20);
  std::vector<std::future<int>> readers;
  for (int reader = 0; reader < 4; ++reader) {
    readers.push_back(std::async(std::launch::async, [&] {
      int differing = 0;
      for (int64_t pair = 0; pair < memory.size(); ++pair) {
        differing += cached->source(pair) != memory.source(pair);
        differing += cached->target(pair) != memory.target(pair);
      }
      return differing;
    }));
  }
  for (auto& reader : readers) EXPECT_EQ(reader.get(), 0);
}

TEST_F(CachedCorpusTest, GivesTheTextOfEachPair) {
  const MemoryCorpus memory = RandomTokens(700, 100, 10, 8, /*keeps_text=*/true);
  WriteCache(path_, memory, 100, 10);
  const auto cached = OpenCache(path_, 100, 10);
  ASSERT_TRUE(cached->has_text());
  ASSERT_EQ(cached->checksum(), memory.checksum());
  for (const int64_t pair : {699, 0, 1, 31, 32, 33, 350, 698}) {
    EXPECT_EQ(cached->text(pair).source, memory.text(pair).source) << pair;
    EXPECT_EQ(cached->text(pair).target, memory.text(pair).target) << pair;
    EXPECT_EQ(cached->target(pair), memory.target(pair)) << pair;
  }
  WriteCache(path_, RandomTokens(7, 100, 10, 8), 100, 10);
  EXPECT_FALSE(OpenCache(path_, 100, 10)->has_text());
}

TEST_F(CachedCorpusTest, RefusesTextOfMoreOrFewerPairs) {
  WriteCache(path_, RandomTokens(4, 100, 9, 2, /*keeps_text=*/true), 100, 9);
  const std::string whole = folder_.Read("a.tokens");
  const size_t text_end =
      8 + TrailerNumber(whole, 0) * 2 + size_t{4} * 2 * 2 + TrailerNumber(whole, kTextBytesNumber);
  ASSERT_EQ(whole[text_end - 1], '\n');
  for (const auto& [position, character] :
       std::vector<std::pair<size_t, char>>{{text_end - 1, ' '}, {text_end - 3, '\n'}}) {
    std::string forged = whole;
    forged[position] = character;
    Reseal(&forged, text_end);
    folder_.Write("a.tokens", forged);
    EXPECT_THAT(FailureOf([&] { OpenCache(path_, 100, 9); }), HasSubstr("is damaged: its text"));
  }
}

TEST_F(CachedCorpusTest, RefusesIdsThatTheVocabularyDoesNotHave) {
  MemoryCorpus memory;
  memory.Add(std::vector{1, 99}, std::vector{3, 100});
  WriteCache(path_, memory, 1000, 10);
  auto file = std::make_unique<const CorpusCacheFile>(path_);
  const CachedCorpus corpus(std::move(file),
                            {.source_vocab_size = 100, .target_vocab_size = 100, .max_length = 10});
  EXPECT_EQ(corpus.source(0), (std::vector{1, 99}));
  EXPECT_EQ(FailureOf([&] { corpus.target(0); }),
            path_.string() +
                ": is damaged: it holds the token 100, the vocabulary has 100; remove "
                "the file");
}

// So even a forged file cannot give a sentence that is longer than the model's positions.
TEST_F(CachedCorpusTest, RefusesImpossibleLengths) {
  const MemoryCorpus memory = RandomTokens(4, 100, 9, 2);
  WriteCache(path_, memory, 100, 9);
  EXPECT_EQ(FailureOf([&] { OpenCache(path_, 100, 9); }), "no error");
  EXPECT_THAT(FailureOf([&] { OpenCache(path_, 100, 3); }), HasSubstr("is damaged: its lengths"));
  const std::string whole = folder_.Read("a.tokens");
  const size_t ids_size = TrailerNumber(whole, 0) * 2;
  const size_t data_size = 8 + ids_size + size_t{4} * 2 * 2;
  std::string forged = whole;
  forged[8 + ids_size] = static_cast<char>(forged[8 + ids_size] + 1);
  Reseal(&forged, data_size);
  folder_.Write("a.tokens", forged);
  EXPECT_THAT(FailureOf([&] { OpenCache(path_, 100, 9); }), HasSubstr("is damaged: its lengths"));
  forged = whole;
  SetTrailerNumber(&forged, 4, 5);  // Five pairs read, but four stored.
  Reseal(&forged, data_size);
  folder_.Write("a.tokens", forged);
  EXPECT_THAT(FailureOf([&] { OpenCache(path_, 100, 9); }), HasSubstr("is damaged: its lengths"));
}

}  // namespace
}  // namespace wavemt
