#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer.h"

namespace wavemt {

/// The tokens of `text`, cut into parts of at most `longest` tokens where they are more: behind the
/// last end of a sentence that fits, else between words, else between characters. No part for a
/// blank text. A line of megabytes takes little memory, and time in proportion to its length.
std::vector<std::vector<int32_t>> SplitLongInput(const Tokenizer& tokenizer, std::string_view text,
                                                 int64_t longest);

/// Puts the translations of the parts together again, with a space between them unless one of the
/// neighbouring characters is of a script that writes none (Chinese, Japanese).
std::string JoinParts(const std::vector<std::string>& parts);

}  // namespace wavemt
