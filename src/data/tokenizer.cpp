#include "data/tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <exception>
#include <random>
#include <utility>

#include "data/sentencepiece_model.h"
#include "data/whitespace_normalizer.h"
#include "support/error.h"
#include "support/files.h"
#include "support/whitespace.h"

// SentencePiece's generator of the calling thread. Its headers offer only a seed for the generators
// of threads that have not drawn yet. SentencePiece.cmake checks that the library has this
// function.
namespace sentencepiece::random {
std::mt19937* GetRandomGenerator();
}

namespace wavemt {
namespace {

// All segmentations, as SentencePiece's number of best ones.
constexpr int kAllSegmentations = -1;

void CheckStatus(const sentencepiece::util::Status& status) {
  if (!status.ok()) throw Failure("SentencePiece: {}", status.ToString());
}

// SentencePiece leaves pieces that it does not know as they are, with its mark for a space.
std::string WithSpaces(const std::string& text) {
  constexpr std::string_view kMark = "\xE2\x96\x81";  // U+2581
  std::string spaced;
  size_t begin = 0;
  for (size_t mark = 0; (mark = text.find(kMark, begin)) != std::string::npos;) {
    spaced += text.substr(begin, mark - begin) + ' ';
    begin = mark + kMark.size();
  }
  return std::string(Strip(spaced + text.substr(begin)));
}

}  // namespace

std::string_view LanguageCodeOf(std::string_view text) {
  constexpr std::string_view kEnd = "<<";
  if (!text.starts_with(">>")) return {};
  const size_t end = text.find(kEnd);
  return end == std::string_view::npos ? std::string_view() : text.substr(0, end + kEnd.size());
}

std::shared_ptr<const Tokenizer> Tokenizer::FromFile(const std::filesystem::path& path,
                                                     const TextOptions& options,
                                                     std::shared_ptr<const Vocabulary> vocabulary) {
  // Enough to recognize that a larger file is not a model.
  constexpr size_t kLargestModel = size_t{256} << 20;
  return FromBytes(ReadFile(path, kLargestModel), path.string(), options, std::move(vocabulary));
}

std::shared_ptr<const Tokenizer> Tokenizer::FromBytes(
    std::string bytes, std::string_view origin, const TextOptions& options,
    std::shared_ptr<const Vocabulary> vocabulary) {
  return std::shared_ptr<const Tokenizer>(
      new Tokenizer(std::move(bytes), origin, options, std::move(vocabulary)));
}

Tokenizer::Tokenizer(std::string bytes, std::string_view origin, const TextOptions& options,
                     std::shared_ptr<const Vocabulary> vocabulary)
    : bytes_(std::move(bytes)),
      options_(options),
      vocabulary_(std::move(vocabulary)),
      processor_(std::make_unique<sentencepiece::SentencePieceProcessor>()) {
  CheckSentencePieceModel(bytes_, origin);
  try {
    CheckStatus(processor_->LoadFromSerializedProto(bytes_));
  } catch (const std::exception&) {
    throw UsageError("{}: is not a SentencePiece model", origin);
  }
  symbols_ = UserDefinedSymbols(bytes_);
  vocab_size_ = vocabulary_ ? vocabulary_->size() : processor_->GetPieceSize();
  for (int id = 0; id < processor_->GetPieceSize(); ++id) {
    max_bytes_per_token_ = std::max(max_bytes_per_token_, processor_->IdToPiece(id).size());
  }
  special_ = vocabulary_ ? vocabulary_->special() : OwnSpecial(origin);
}

SpecialTokens Tokenizer::OwnSpecial(std::string_view origin) const {
  SpecialTokens special;
  special.unk = processor_->unk_id();
  special.eos = processor_->eos_id();
  if (special.eos < 0) {
    throw UsageError("{}: has no </s> piece, so no sentence could end; train it with an eos_id",
                     origin);
  }
  special.bos = processor_->bos_id() >= 0 ? processor_->bos_id() : special.eos;
  special.pad = processor_->pad_id() >= 0 ? processor_->pad_id() : special.eos;
  return special;
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
  return IdsOf(normalized);
}

std::vector<int32_t> Tokenizer::Sample(std::string_view text, const SubwordSamplingConfig& sampling,
                                       uint64_t seed) const {
  sentencepiece::random::GetRandomGenerator()->seed(static_cast<std::mt19937::result_type>(seed));
  return IdsOf(text, sampling);
}

bool Tokenizer::CanSample() const {
  std::vector<int> ids;
  return processor_->SampleEncode("a", kAllSegmentations, /*alpha=*/0.5F, &ids).ok();
}

bool Tokenizer::HasNbest() const {
  std::vector<std::vector<int>> best;
  return processor_->NBestEncode("a", /*nbest_size=*/2, &best).ok();
}

template <typename T>
void Tokenizer::Cut(std::string_view text, const SubwordSamplingConfig& sampling,
                    std::vector<T>* cut) const {
  if (!sampling.is_on()) {
    CheckStatus(processor_->Encode({text.data(), text.size()}, cut));
    return;
  }
  const int nbest = sampling.nbest == 0 ? kAllSegmentations : static_cast<int>(sampling.nbest);
  CheckStatus(processor_->SampleEncode({text.data(), text.size()}, nbest,
                                       static_cast<float>(sampling.alpha), cut));
}

std::vector<int32_t> Tokenizer::IdsOf(std::string_view text,
                                      const SubwordSamplingConfig& sampling) const {
  std::vector<int> ids;
  if (vocabulary_) {
    for (const std::string& piece : PiecesOf(text, sampling)) {
      ids.push_back(vocabulary_->Find(piece).value_or(special_.unk));
    }
  } else {
    Cut(text, sampling, &ids);
  }
  return {ids.begin(), ids.end()};
}

bool Tokenizer::IsTooLong(std::string_view text, int64_t tokens) const {
  return text.size() / max_bytes_per_token_ > static_cast<uint64_t>(tokens);
}

std::vector<std::string> Tokenizer::EncodePieces(std::string_view text) const {
  return PiecesOf(options_.normalize_whitespace ? NormalizeWhitespace(text) : std::string(text));
}

std::vector<std::string> Tokenizer::PiecesOf(std::string_view text,
                                             const SubwordSamplingConfig& sampling) const {
  const std::string_view code = vocabulary_ ? LanguageCodeOf(text) : std::string_view();
  text.remove_prefix(code.size());
  std::vector<std::string> pieces;
  Cut(text, sampling, &pieces);
  if (!code.empty()) pieces.insert(pieces.begin(), std::string(code));
  return pieces;
}

std::string Tokenizer::Decode(std::span<const int32_t> ids) const {
  std::string text;
  if (vocabulary_) {
    std::vector<std::string> pieces;
    for (const int32_t id : ids) {
      if (id != special_.pad && id != special_.eos && id != special_.unk) {
        pieces.push_back(vocabulary_->Piece(id));
      }
    }
    return WithSpaces(DecodePieces(pieces));
  }
  CheckStatus(processor_->Decode(std::vector<int>(ids.begin(), ids.end()), &text));
  return text;
}

std::string Tokenizer::DecodePieces(const std::vector<std::string>& pieces) const {
  std::string text;
  CheckStatus(processor_->Decode(pieces, &text));
  return text;
}

std::optional<int32_t> Tokenizer::FindPiece(const std::string& piece) const {
  if (vocabulary_) return vocabulary_->Find(piece);
  const int id = processor_->PieceToId(piece);
  // What is unknown gets the id of <unk>.
  if (processor_->IdToPiece(id) != piece) return std::nullopt;
  return id;
}

bool Tokenizer::GivesSameIds(const Tokenizer& other) const {
  if (bytes_ != other.bytes_) return false;
  if (!vocabulary_ || !other.vocabulary_) return vocabulary_ == other.vocabulary_;
  return vocabulary_->bytes() == other.vocabulary_->bytes();
}

std::string Tokenizer::PieceOf(int32_t id) const {
  return vocabulary_ ? vocabulary_->Piece(id) : processor_->IdToPiece(id);
}

}  // namespace wavemt
