#include "interchange/hugging_face_tokenizers.h"

#include <string>
#include <utility>

#include "support/error.h"
#include "support/files.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// MarianTokenizer normalizes no white space.
constexpr TextOptions kTextOptions{.normalize_whitespace = false};

bool HasIdsOf(const Tokenizer& tokenizer, const Vocabulary& vocabulary) {
  if (tokenizer.vocab_size() != vocabulary.size()) return false;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (tokenizer.PieceOf(id) != vocabulary.Piece(id)) return false;
  }
  return true;
}

bool HasSpecial(const SpecialTokens& special, const MarianIds& ids) {
  return special.pad == ids.pad && special.eos == ids.eos && special.bos == ids.decoder_start;
}

void RequireSpecial(const fs::path& file, const Vocabulary& vocabulary, const MarianIds& ids) {
  const SpecialTokens& special = vocabulary.special();
  const auto require = [&](const char* key, int64_t given, const char* piece, int64_t id) {
    if (given != id) {
      throw UsageError("{}: {} has the id {}, but {} in config.json is {}", file.string(), piece,
                       id, key, given);
    }
  };
  require("pad_token_id", ids.pad, "<pad>", special.pad);
  require("eos_token_id", ids.eos, "</s>", special.eos);
  require("decoder_start_token_id", ids.decoder_start, "<pad>, which begins a translation,",
          special.pad);
}

}  // namespace

TokenizerPair ReadMarianTokenizers(const fs::path& folder, const MarianIds& ids,
                                   bool has_two_vocabularies) {
  const fs::path source_file = folder / "source.spm";
  const fs::path target_file = folder / "target.spm";
  const fs::path vocabulary_file = folder / "vocab.json";
  const auto vocabulary = Vocabulary::FromFile(vocabulary_file);
  const auto target_vocabulary =
      has_two_vocabularies ? Vocabulary::FromFile(folder / "target_vocab.json") : vocabulary;

  TokenizerPair plain;
  plain.source = Tokenizer::FromFile(source_file, kTextOptions);
  plain.target = Tokenizer::FromFile(target_file, kTextOptions);
  if (plain.source->bytes() == plain.target->bytes() && !has_two_vocabularies) {
    plain.target = plain.source;
  }
  const bool sides_fit = plain.shared() || has_two_vocabularies;
  if (sides_fit && HasIdsOf(*plain.source, *vocabulary) &&
      HasIdsOf(*plain.target, *target_vocabulary) && HasSpecial(plain.target->special(), ids)) {
    return plain;
  }
  if (has_two_vocabularies) {
    throw UsageError(
        "{}: two vocabularies beside the SentencePiece models cannot be imported, only one for "
        "both sides",
        folder.string());
  }
  RequireSpecial(vocabulary_file, *vocabulary, ids);
  TokenizerPair pair;
  pair.source =
      Tokenizer::FromBytes(plain.source->bytes(), source_file.string(), kTextOptions, vocabulary);
  pair.target = plain.shared() ? pair.source
                               : Tokenizer::FromBytes(plain.target->bytes(), target_file.string(),
                                                      kTextOptions, vocabulary);
  return pair;
}

}  // namespace wavemt
