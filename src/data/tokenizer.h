#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace wavemt {

/// Ids of the special pieces, read from the SentencePiece model. A model without <s> starts a
/// sentence with </s>, as Marian's do; one without <pad> fills with </s> (padding is masked by
/// length, so any id will do).
struct SpecialTokens {
  int32_t pad = 0;
  int32_t unk = 0;
  int32_t bos = 0;
  int32_t eos = 0;
};

/// What happens to text before SentencePiece sees it.
struct TextOptions {
  bool normalize_whitespace = false;  // By NormalizeWhitespace().
};

/// One SentencePiece model: text <-> token ids. Safe for concurrent use.
class Tokenizer {
 public:
  /// Reads a model file. A usage error if it is missing, no SentencePiece model, or has no </s>.
  static std::shared_ptr<const Tokenizer> FromFile(const std::filesystem::path& path,
                                                   const TextOptions& options = {});
  /// The same from a model's bytes; `origin` begins error messages.
  static std::shared_ptr<const Tokenizer> FromBytes(std::string bytes, std::string_view origin,
                                                    const TextOptions& options = {});

  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// `text` as Encode() gives it to SentencePiece; empty for one that it has no ids for.
  std::string Normalize(std::string_view text) const;
  /// Ids of the pieces of `text`, without sentence marks. Empty for a blank text.
  std::vector<int32_t> Encode(std::string_view text) const;
  /// Whether `text` has so many bytes that it holds more than `tokens` tokens, which is told
  /// without tokenizing it: a token is a piece of at most as many bytes as the longest one. White
  /// space and characters without a piece may be one token however many they are; where they fill
  /// a kilobyte a token, the text counts as too long as well.
  bool IsTooLong(std::string_view text, int64_t tokens) const;
  /// The pieces themselves, for people.
  std::vector<std::string> EncodePieces(std::string_view text) const;
  /// Text of `ids`; special pieces have none. REQUIRES: 0 <= id < vocab_size().
  std::string Decode(std::span<const int32_t> ids) const;
  std::string DecodePieces(const std::vector<std::string>& pieces) const;

  int64_t vocab_size() const { return vocab_size_; }
  const SpecialTokens& special() const { return special_; }
  /// The model file's bytes.
  const std::string& bytes() const { return bytes_; }
  const TextOptions& text_options() const { return options_; }

 private:
  Tokenizer(std::string bytes, std::string_view origin, const TextOptions& options);

  std::string bytes_;
  TextOptions options_;
  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  int64_t vocab_size_ = 0;
  size_t most_bytes_of_a_token_ = 1024;
  SpecialTokens special_;
};

/// The tokenizers of both sides; the same object twice where the vocabulary is shared.
struct TokenizerPair {
  std::shared_ptr<const Tokenizer> source;
  std::shared_ptr<const Tokenizer> target;

  bool shared() const { return source == target; }
};

}  // namespace wavemt
