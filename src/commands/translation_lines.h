#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/tokenizer.h"
#include "decoding/translator.h"

namespace wavemt {

/// How translations are written, one of them a line.
struct LineFormat {
  bool json = false;    // One JSON object a translation, with everything that is known of it.
  bool n_best = false;  // Moses's format: line number from 0 ||| translation ||| score
  bool scores = false;  // translation ||| score
};

/// Where a line of input came from.
struct LineOrigin {
  std::string file;
  int64_t line = 0;  // From 1.
  std::string source;
};

/// The pieces of tokens.
std::vector<std::string> PiecesOf(const Tokenizer& tokenizer, std::span<const int32_t> ids);

/// The translations of a line of input, each with its line break.
std::string FormatLines(const TranslatedLine& line, const LineOrigin& origin,
                        const TokenizerPair& tokenizers, const LineFormat& format);

/// What each target token attended to, a line for each translation in the format of Pharaoh:
/// "0-0 2-1" means that the first target token belongs to the first source token and the second to
/// the third.
std::string AlignmentLines(const TranslatedLine& line);

}  // namespace wavemt
