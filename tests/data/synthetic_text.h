#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/tokenizer.h"
#include "data/tokenizer_trainer.h"

namespace wavemt {

// Random sentences of made-up words, some of them far more frequent than others.
inline std::vector<std::string> SyntheticSentences(size_t count, uint64_t seed = 1) {
  const std::vector<std::string> syllables = {"ka", "lo", "mi", "su", "ne",  "ta",
                                              "ri", "vo", "pe", "du", "ash", "or"};
  std::mt19937_64 generator(seed);
  std::vector<std::string> sentences(count);
  for (std::string& sentence : sentences) {
    const uint64_t words = 1 + generator() % 12;
    for (uint64_t i = 0; i < words; ++i) {
      // The word's number determines its syllables. The product makes small numbers more frequent.
      uint64_t word = (generator() % 20) * (generator() % 20);
      if (i > 0) sentence += ' ';
      for (uint64_t left = 1 + word % 3; left > 0; --left, word /= syllables.size()) {
        sentence += syllables[word % syllables.size()];
      }
    }
  }
  return sentences;
}

// A tokenizer for SyntheticSentences().
inline std::shared_ptr<const Tokenizer> SyntheticTokenizer() {
  TokenizerConfig config;
  config.vocab_size = 60;
  config.byte_fallback = false;
  return Tokenizer::FromBytes(TrainTokenizer(config, SyntheticSentences(300)), "synthetic");
}

}  // namespace wavemt
