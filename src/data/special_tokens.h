#pragma once

#include <cstdint>

namespace wavemt {

/// Ids of the special pieces.
struct SpecialTokens {
  int32_t pad = 0;
  int32_t unk = 0;
  int32_t bos = 0;
  int32_t eos = 0;
};

}  // namespace wavemt
