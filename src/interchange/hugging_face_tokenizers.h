#pragma once

#include <filesystem>
#include <memory>

#include "config/config.h"
#include "data/tokenizer.h"
#include "support/json.h"

namespace wavemt {

/// The special ids of a model, as its config.json gives them.
struct MarianIds {
  int64_t pad = 0;
  int64_t eos = 0;
  int64_t decoder_start = 0;
};

/// Reads source.spm, target.spm, vocab.json and, if `has_two_vocabularies`, target_vocab.json. The
/// tokenizers have a vocabulary unless its ids are those of the SentencePiece models anyway. A
/// usage error that names the file if one is missing or does not fit `ids`.
TokenizerPair ReadMarianTokenizers(const std::filesystem::path& folder, const MarianIds& ids,
                                   bool has_two_vocabularies);

}  // namespace wavemt
