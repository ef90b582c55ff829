#pragma once

#include "config/config.h"
#include "data/tokenizer.h"

namespace wavemt {

/// The tokenizers of a new run: loaded from the files that the config names, or trained on
/// data.train.
TokenizerPair MakeTokenizers(const Config& config);

/// The text options of a config.
TextOptions TextOptionsOf(const TokenizerConfig& config);

}  // namespace wavemt
