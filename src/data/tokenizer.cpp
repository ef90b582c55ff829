#include "data/tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "data/sentencepiece_model.h"
#include "data/whitespace_normalizer.h"
#include "support/error.h"
#include "support/files.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

void CheckStatus(const sentencepiece::util::Status& status) {
  if (!status.ok()) throw Failure("SentencePiece: {}", status.ToString());
}

}  // namespace

std::shared_ptr<const Tokenizer> Tokenizer::FromFile(const std::filesystem::path& path,
                                                     const TextOptions& options) {
  // Enough to recognize that a larger file is not a model.
  constexpr size_t kLargestModel = size_t{256} << 20;
  return FromBytes(ReadFile(path, kLargestModel), path.string(), options);
}

std::shared_ptr<const Tokenizer> Tokenizer::FromBytes(std::string bytes, std::string_view origin,
                                                      const TextOptions& options) {
  return std::shared_ptr<const Tokenizer>(new Tokenizer(std::move(bytes), origin, options));
}

Tokenizer::Tokenizer(std::string bytes, std::string_view origin, const TextOptions& options)
    : bytes_(std::move(bytes)),
      options_(options),
      processor_(std::make_unique<sentencepiece::SentencePieceProcessor>()) {
  CheckSentencePieceModel(bytes_, origin);
  try {
    CheckStatus(processor_->LoadFromSerializedProto(bytes_));
  } catch (const std::exception&) {
    throw UsageError("{}: is not a SentencePiece model", origin);
  }
  vocab_size_ = processor_->GetPieceSize();
  for (int id = 0; id < processor_->GetPieceSize(); ++id) {
    max_bytes_per_token_ = std::max(max_bytes_per_token_, processor_->IdToPiece(id).size());
  }
  special_.unk = processor_->unk_id();
  special_.eos = processor_->eos_id();
  if (special_.eos < 0) {
    throw UsageError("{}: has no </s> piece, so no sentence could end; train it with an eos_id",
                     origin);
  }
  special_.bos = processor_->bos_id() >= 0 ? processor_->bos_id() : special_.eos;
  special_.pad = processor_->pad_id() >= 0 ? processor_->pad_id() : special_.eos;
}

Tokenizer::~Tokenizer() = default;

std::string Tokenizer::Normalize(std::string_view text) const {
  if (options_.normalize_whitespace) return NormalizeWhitespace(text);
  // Otherwise SentencePiece would turn white space other than U+0020 into pieces.
  return std::string(IsBlank(text) ? std::string_view() : text);
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text) const {
  const std::string normalized = Normalize(text);
  if (normalized.empty()) return {};
  std::vector<int> ids;
  CheckStatus(processor_->Encode({normalized.data(), normalized.size()}, &ids));
  return {ids.begin(), ids.end()};
}

bool Tokenizer::IsTooLong(std::string_view text, int64_t tokens) const {
  return text.size() / max_bytes_per_token_ > static_cast<uint64_t>(tokens);
}

std::vector<std::string> Tokenizer::EncodePieces(std::string_view text) const {
  const std::string shown =
      options_.normalize_whitespace ? NormalizeWhitespace(text) : std::string(text);
  std::vector<std::string> pieces;
  CheckStatus(processor_->Encode({shown.data(), shown.size()}, &pieces));
  return pieces;
}

std::string Tokenizer::PieceOf(int32_t id) const { return processor_->IdToPiece(id); }

std::optional<int32_t> Tokenizer::FindPiece(const std::string& piece) const {
  const int id = processor_->PieceToId(piece);
  // What is unknown gets the id of <unk>.
  if (processor_->IdToPiece(id) != piece) return std::nullopt;
  return id;
}

std::string Tokenizer::Decode(std::span<const int32_t> ids) const {
  std::string text;
  CheckStatus(processor_->Decode(std::vector<int>(ids.begin(), ids.end()), &text));
  return text;
}

std::string Tokenizer::DecodePieces(const std::vector<std::string>& pieces) const {
  std::string text;
  CheckStatus(processor_->Decode(pieces, &text));
  return text;
}

}  // namespace wavemt
