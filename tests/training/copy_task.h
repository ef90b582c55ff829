#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/tokenized_corpus.h"
#include "data/tokenizer.h"
#include "data/tokenizer_trainer.h"

namespace wavemt {

// A small vocabulary for both sides, trained once per process.
inline const TokenizerPair& CopyTaskTokenizers() {
  static const TokenizerPair kTokenizers = [] {
    std::vector<std::string> sentences;
    for (char first = 'a'; first <= 'p'; ++first) {
      for (char second = 'a'; second <= 'p'; ++second) {
        sentences.push_back({first, ' ', second});
      }
    }
    TokenizerConfig config;
    config.vocab_size = 24;
    config.byte_fallback = false;
    const auto tokenizer = Tokenizer::FromBytes(TrainTokenizer(config, sentences), "copy task");
    return TokenizerPair{.source = tokenizer, .target = tokenizer};
  }();
  return kTokenizers;
}

// Random sentences of `shortest` to `longest` tokens, each its own translation.
inline MemoryCorpus CopyTask(int64_t pairs, int64_t shortest, int64_t longest, uint64_t seed) {
  constexpr int32_t kFirstLetter = 4;  // After <unk>, <pad>, <s> and </s>.
  const auto letters = static_cast<uint64_t>(CopyTaskTokenizers().source->vocab_size()) -
                       static_cast<uint64_t>(kFirstLetter);
  std::mt19937_64 generator(seed);
  MemoryCorpus corpus;
  for (int64_t pair = 0; pair < pairs; ++pair) {
    std::vector<int32_t> ids(static_cast<size_t>(shortest) +
                             generator() % static_cast<uint64_t>(longest - shortest + 1));
    for (int32_t& id : ids) id = kFirstLetter + static_cast<int32_t>(generator() % letters);
    corpus.Add(ids, ids);
  }
  return corpus;
}

}  // namespace wavemt
