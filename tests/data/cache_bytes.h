#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "data/cached_corpus.h"
#include "data/corpus_cache_file.h"
#include "data/tokenized_corpus.h"
#include "support/checksum.h"

namespace wavemt {

// The trailer of a corpus cache (see data/corpus_cache_file.h): 24 numbers of 8 bytes, the
// checksum and the version of 4 bytes each, and the magic of 8 bytes.
inline constexpr size_t kTrailerNumbers = 24;
inline constexpr size_t kTextBytesNumber = 19;  // Which of them is the size of the text.
inline constexpr size_t kTrailerSize = kTrailerNumbers * 8 + 4 + 4 + 8;

inline uint64_t TrailerNumber(const std::string& bytes, size_t index) {
  uint64_t number = 0;
  std::memcpy(&number, bytes.data() + bytes.size() - kTrailerSize + 8 * index, sizeof(number));
  return number;
}

inline void SetTrailerNumber(std::string* bytes, size_t index, uint64_t number) {
  std::memcpy(bytes->data() + bytes->size() - kTrailerSize + 8 * index, &number, sizeof(number));
}

// Corrects all checksums, as a forger would. `data_size`: bytes of magic, ids, lengths and text,
// less than a MiB.
inline void Reseal(std::string* bytes, size_t data_size) {
  Crc32 block;
  block.Add(bytes->data(), data_size);
  const uint32_t block_checksum = block.value();
  std::memcpy(bytes->data() + data_size, &block_checksum, sizeof(block_checksum));
  Crc32 tail;
  tail.Add(bytes->data() + data_size, bytes->size() - data_size - 16);
  const uint32_t tail_checksum = tail.value();
  std::memcpy(bytes->data() + bytes->size() - 16, &tail_checksum, sizeof(tail_checksum));
}

// Pairs of random ids below `vocab_size`, with 1 to `longest` tokens per side. The text, if it is
// kept, is the ids as numbers.
inline MemoryCorpus RandomTokens(int64_t pairs, int64_t vocab_size, size_t longest, uint64_t seed,
                                 bool keeps_text = false) {
  std::mt19937_64 generator(seed);
  const auto sentence = [&] {
    std::vector<int32_t> ids(1 + generator() % longest);
    for (int32_t& id : ids) {
      id = static_cast<int32_t>(generator() % static_cast<uint64_t>(vocab_size));
    }
    return ids;
  };
  const auto text_of = [&](const std::vector<int32_t>& ids) {
    std::string text;
    for (const int32_t id : ids) text += std::to_string(id) + " ";
    return keeps_text ? text : "";
  };
  MemoryCorpus corpus;
  for (int64_t i = 0; i < pairs; ++i) {
    const auto source = sentence();
    const auto target = sentence();
    const std::string source_text = text_of(source);
    const std::string target_text = text_of(target);
    corpus.Add({.source = source,
                .target = target,
                .source_text = source_text,
                .target_text = target_text});
  }
  return corpus;
}

inline void WriteCache(const std::filesystem::path& path, const TokenizedCorpus& corpus,
                       int64_t vocab_size, int64_t max_length, const CorpusOrigin& origin = {}) {
  CorpusCacheWriter writer(path, vocab_size - 1, max_length);
  for (int64_t i = 0; i < corpus.size(); ++i) {
    const auto source = corpus.source(i);
    const auto target = corpus.target(i);
    const PairText text = corpus.has_text() ? corpus.text(i) : PairText();
    writer.Add({.source = source,
                .target = target,
                .source_text = text.source,
                .target_text = text.target});
  }
  writer.Commit(origin, {.read = corpus.size(), .empty = 0, .too_long = 0});
}

// Opens a cache with all the checks that the program makes.
inline std::unique_ptr<CachedCorpus> OpenCache(const std::filesystem::path& path,
                                               int64_t vocab_size, int64_t max_length) {
  auto file = std::make_unique<const CorpusCacheFile>(path);
  file->Verify(/*num_threads=*/1);
  return std::make_unique<CachedCorpus>(std::move(file),
                                        CachedCorpus::Limits{.source_vocab_size = vocab_size,
                                                             .target_vocab_size = vocab_size,
                                                             .max_length = max_length});
}

}  // namespace wavemt
