#pragma once

#include "data/tokenizer.h"

namespace wavemt {

inline constexpr SpecialTokens kSpecial{.pad = 1, .unk = 0, .bos = 2, .eos = 3};

}  // namespace wavemt
