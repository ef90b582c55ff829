#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/config.h"

namespace wavemt {

/// In bytes. SentencePiece skips longer sentences.
inline constexpr size_t kLongestTrainingSentence = 4192;

/// Trains a SentencePiece model on `sentences` and returns the bytes of its model file. The same
/// sentences and config give the same bytes on every machine. Throws a usage error if the corpus
/// cannot support `config.vocab_size`; the message names a size that it supports.
std::string TrainTokenizer(const TokenizerConfig& config,
                           const std::vector<std::string>& sentences);

}  // namespace wavemt
