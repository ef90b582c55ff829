#include "interchange/refusals.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "config/config_fields.h"
#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

// Refuses a value that is not among `possible`.
template <typename Enum>
void RequireOneOf(std::string_view key, Enum value, const std::vector<Enum>& possible,
                  std::string_view format) {
  if (std::ranges::find(possible, value) != possible.end()) return;
  std::vector<std::string_view> names;
  names.reserve(possible.size());
  for (const Enum one : possible) names.push_back(NameOf(one));
  throw UsageError("{}: {} cannot hold {}, only {}", key, format, NameOf(value),
                   fmt::join(names, " and "));
}

constexpr std::string_view kPositions = "model.position_encoding.type";
constexpr std::string_view kActivation = "model.activation";

}  // namespace

void RequireHuggingFaceCanHold(const Config& config, const TokenizerPair& tokenizers) {
  const ModelConfig& model = config.model;
  const bool is_pegasus = model.layer_norm == LayerNormPlacement::kPre;
  const std::string_view format = is_pegasus ? "Hugging Face's PegasusForConditionalGeneration"
                                             : "Hugging Face's MarianMTModel";
  RequireOneOf(kPositions, model.position_encoding.type, {PositionEncodingType::kSinusoidal},
               format);
  RequireOneOf(kActivation, model.activation,
               {Activation::kRelu, Activation::kGelu, Activation::kSwish}, format);
  const int64_t source = tokenizers.source->vocab_size();
  const int64_t target = tokenizers.target->vocab_size();
  if (is_pegasus && source != target) {
    throw UsageError(
        "tokenizer.shared: {}, the model of Hugging Face for model.layer_norm = pre, needs as many "
        "source as target pieces, but there are {} and {}",
        format, source, target);
  }
}

void RequireCTranslate2CanHold(const Config& config) {
  RequireOneOf(kPositions, config.model.position_encoding.type,
               {PositionEncodingType::kSinusoidal, PositionEncodingType::kLearned}, "CTranslate2");
}

void RequireTorchScriptCanHold(const Config& config) {
  constexpr std::string_view kFormat = "the script for PyTorch";
  RequireOneOf(kPositions, config.model.position_encoding.type, {PositionEncodingType::kSinusoidal},
               kFormat);
  RequireOneOf(kActivation, config.model.activation,
               {Activation::kRelu, Activation::kGelu, Activation::kSwish}, kFormat);
  if (!config.tokenizer.vocabulary.empty()) {
    throw UsageError(
        "tokenizer.vocabulary: {} knows no vocabulary beside the SentencePiece models; use "
        "--format huggingface",
        kFormat);
  }
}

void WarnOfTextOptions(const Config& config, std::string_view format) {
  if (!config.decoding.source_prefix.empty()) {
    spdlog::warn("decoding.source_prefix: {} does not do that; put {} before each source sentence",
                 format, config.decoding.source_prefix);
  }
  if (!config.tokenizer.normalize_whitespace) return;
  spdlog::warn(
      "tokenizer.normalize_whitespace: {} does not do that; give it text with single spaces and "
      "without invisible characters",
      format);
}

}  // namespace wavemt
