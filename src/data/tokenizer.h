#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "data/special_tokens.h"
#include "data/vocabulary.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace wavemt {

/// How text is prepared for SentencePiece.
struct TextOptions {
  bool normalize_whitespace = false;  // With NormalizeWhitespace().
};

/// What a model of Marian for several target languages expects at the beginning of its source: the
/// language code of `text`, for example ">>deu<<"; empty if there is none.
std::string_view LanguageCodeOf(std::string_view text);

/// One SentencePiece model: text <-> token ids. Safe for concurrent use.
///
/// With a vocabulary, the ids are those of its table, and a language code at the beginning of a
/// text is one token, as in Hugging Face's MarianTokenizer.
class Tokenizer {
 public:
  /// Reads a model file. Throws a usage error if it is missing, is not a SentencePiece model, or
  /// has no </s>.
  static std::shared_ptr<const Tokenizer> FromFile(
      const std::filesystem::path& path, const TextOptions& options = {},
      std::shared_ptr<const Vocabulary> vocabulary = nullptr);
  /// Reads the bytes of a model file; error messages begin with `origin`.
  static std::shared_ptr<const Tokenizer> FromBytes(
      std::string bytes, std::string_view origin, const TextOptions& options = {},
      std::shared_ptr<const Vocabulary> vocabulary = nullptr);

  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// `text` as Encode() passes it to SentencePiece; empty if it is blank.
  std::string Normalize(std::string_view text) const;
  /// Ids of the pieces of `text`, without <s> and </s>; empty if the text is blank.
  std::vector<int32_t> Encode(std::string_view text) const;
  /// Ids of pieces of `text` that SentencePiece draws at random; the same seed gives the same ones.
  ///
  /// REQUIRES: `text` is what Normalize() returned; sampling.is_on(); CanSample().
  std::vector<int32_t> Sample(std::string_view text, const SubwordSamplingConfig& sampling,
                              uint64_t seed) const;
  /// Whether SentencePiece can draw pieces of its model, which must be of type unigram or bpe.
  bool CanSample() const;
  /// Whether SentencePiece can list the likeliest segmentations, as it can for type unigram.
  bool HasNbest() const;
  /// Whether `text` has too many bytes to be at most `tokens` tokens. Does not tokenize it, but
  /// relies on no token having more bytes than the longest piece. A run of white space, or of
  /// characters without a piece, can be a single token of any length; a text with over a kilobyte
  /// per token because of such runs counts as too long as well.
  bool IsTooLong(std::string_view text, int64_t tokens) const;
  /// The pieces themselves, as text.
  std::vector<std::string> EncodePieces(std::string_view text) const;
  /// The text of `ids`; special pieces have none. REQUIRES: 0 <= id < vocab_size().
  std::string Decode(std::span<const int32_t> ids) const;
  std::string DecodePieces(const std::vector<std::string>& pieces) const;

  /// The piece of an id, in which U+2581 stands for a space. REQUIRES: 0 <= id < vocab_size().
  std::string PieceOf(int32_t id) const;
  /// The id of a piece; nothing if the vocabulary does not have it.
  std::optional<int32_t> FindPiece(const std::string& piece) const;

  /// Whether `piece` is a user-defined symbol of the SentencePiece model.
  bool IsUserDefined(std::string_view piece) const { return symbols_.contains(piece); }
  /// Whether there are any.
  bool has_user_defined() const { return !symbols_.empty(); }

  /// Whether both have the same model and vocabulary; how white space is normalized may differ.
  bool GivesSameIds(const Tokenizer& other) const;

  int64_t vocab_size() const { return vocab_size_; }
  /// From the vocabulary or else the SentencePiece model, where </s> takes the role of a missing
  /// <s> and of a missing <pad> (padding is masked by length, so any id will do).
  const SpecialTokens& special() const { return special_; }
  /// The model file's bytes.
  const std::string& bytes() const { return bytes_; }
  const TextOptions& text_options() const { return options_; }
  /// Null if the ids are those of the SentencePiece model.
  const std::shared_ptr<const Vocabulary>& vocabulary() const { return vocabulary_; }

 private:
  Tokenizer(std::string bytes, std::string_view origin, const TextOptions& options,
            std::shared_ptr<const Vocabulary> vocabulary);
  // The special pieces of the SentencePiece model.
  SpecialTokens OwnSpecial(std::string_view origin) const;
  // The pieces of `text`, which SentencePiece is given as it is: the best ones, or with sampling
  // drawn ones.
  std::vector<std::string> PiecesOf(std::string_view text,
                                    const SubwordSamplingConfig& sampling = {}) const;
  // Their ids.
  std::vector<int32_t> IdsOf(std::string_view text,
                             const SubwordSamplingConfig& sampling = {}) const;
  // Lets SentencePiece cut `text` into pieces, as strings or ids.
  template <typename T>
  void Cut(std::string_view text, const SubwordSamplingConfig& sampling, std::vector<T>* cut) const;

  std::string bytes_;
  TextOptions options_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  std::set<std::string, std::less<>> symbols_;  // The user-defined ones.
  int64_t vocab_size_ = 0;
  size_t max_bytes_per_token_ = 1024;
  SpecialTokens special_;
};

/// The tokenizers of both sides; the same object twice if the vocabulary is shared.
struct TokenizerPair {
  std::shared_ptr<const Tokenizer> source;
  std::shared_ptr<const Tokenizer> target;

  bool shared() const { return source == target; }
  /// Whether the ids of both sides mean the same pieces, though the models may be two.
  bool one_vocabulary() const {
    return shared() || (source->vocabulary() && source->vocabulary() == target->vocabulary());
  }
};

}  // namespace wavemt
