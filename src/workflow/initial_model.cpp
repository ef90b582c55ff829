#include "workflow/initial_model.h"

#include <span>
#include <string>
#include <string_view>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/safetensors.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "workflow/run_files.h"
#include "workflow/same_model.h"
#include "workflow/tokenizers.h"
#include "workflow/trained_model.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// Keys whose differences show in the names or shapes of weights, which TakeWeights() lists. Other
// differences of models do not show there.
constexpr std::string_view kShownByWeights[] = {"model.d_model",
                                                "model.ffn_dim",
                                                "model.num_encoder_layers",
                                                "model.num_decoder_layers",
                                                "model.tied_embeddings",
                                                "model.output_bias",
                                                "model.position_encoding."};

void RequireSameMeaning(const Config& before, const Config& now, InitialFit fit,
                        const std::string& origin) {
  const std::span<const std::string_view> may_differ =
      fit == InitialFit::kBase ? std::span<const std::string_view>() : kShownByWeights;
  for (const ModelDifference& difference : DifferencesOfModels(before, now, may_differ)) {
    if (fit == InitialFit::kPartial) {
      spdlog::warn("{}: {} was trained with {}, so its weights mean something else now",
                   difference.key, origin, difference.value_of_a);
      continue;
    }
    throw UsageError("{}: {} does not fit the weights of {}, which were trained with {}{}",
                     difference.key, difference.value_of_b, origin, difference.value_of_a,
                     fit == InitialFit::kWhole
                         ? "; use the same, or take what fits with --init-partial"
                         : "; an adapter needs the model as it is");
  }
}

InitialModel ReadAt(const ModelLocation& location) {
  if (IsFolder(location.checkpoint) && HasAdapter(location.checkpoint)) {
    throw UsageError("{}: holds an adapter, not a model; {}", location.checkpoint.string(),
                     AdviceToMerge(location.checkpoint));
  }
  InitialModel initial;
  initial.origin = OriginOf(location.checkpoint);
  initial.config = LoadRunConfig(location.run);
  initial.tokenizers = LoadRunTokenizers(location.run, initial.config->tokenizer);
  initial.weights = ReadWeights(location.checkpoint);
  return initial;
}

TokenizerPair ChooseTokenizers(const InitialModel& initial, InitialFit fit, Config* config) {
  TokenizerConfig& named = config->tokenizer;
  const std::string origin = initial.origin.checkpoint.string();
  const bool names_none = named.model.empty() && named.source_model.empty();
  if (names_none && !initial.tokenizers) {
    throw UsageError(
        "tokenizer.model: is missing: {} holds weights alone, so name the SentencePiece model that "
        "they were trained with",
        origin);
  }
  if (names_none) {
    for (const std::string& symbol : named.user_defined_symbols) {
      if (initial.tokenizers->source->IsUserDefined(symbol)) continue;
      throw UsageError(
          "tokenizer.user_defined_symbols: the tokenizer of {}, which comes along with its "
          "weights, "
          "has no symbol {}; leave it out, or name another tokenizer",
          origin, symbol);
    }
    // How it is used in training is this training's own choice.
    const SubwordSamplingConfig sampling = named.sampling;
    named = initial.config->tokenizer;
    named.sampling = sampling;
    return *initial.tokenizers;
  }
  TokenizerPair tokenizers = MakeTokenizers(*config);
  if (!initial.tokenizers) return tokenizers;
  const bool is_same = tokenizers.source->GivesSameIds(*initial.tokenizers->source) &&
                       tokenizers.target->GivesSameIds(*initial.tokenizers->target);
  if (!is_same && fit == InitialFit::kBase) {
    throw UsageError(
        "tokenizer.{}: is not the tokenizer of {}, whose embeddings an adapter leaves as they are; "
        "leave it out to take that one",
        named.model.empty() ? "source_model" : "model", origin);
  }
  if (is_same && named.normalize_whitespace != initial.config->tokenizer.normalize_whitespace) {
    throw UsageError("tokenizer.normalize_whitespace: {} was trained with {}; use the same", origin,
                     initial.config->tokenizer.normalize_whitespace);
  }
  return tokenizers;
}

}  // namespace

InitialModel ReadInitialModel(const fs::path& path, const Config& config, InitialFit fit) {
  if (IsFile(path) && path.extension() == ".safetensors" && !FindRunContaining(path)) {
    return {.origin = OriginOf(path), .weights = ReadSafetensors(path)};
  }
  InitialModel initial = ReadModelAt(path, ReadAt);
  RequireSameMeaning(*initial.config, config, fit, initial.origin.checkpoint.string());
  return initial;
}

InitialModel ReadBaseAgain(const WeightsOrigin& origin, const fs::path& moved,
                           const Config& config) {
  const fs::path& path = moved.empty() ? origin.checkpoint : moved;
  if (!IsFolder(path) && !IsFile(path)) {
    throw UsageError(
        "{}: is not there any more; the adapter was trained beside its weights and needs them "
        "(`wavemt train CONFIG --resume --init-from MODEL` names them where they are now)",
        path.string());
  }
  InitialModel initial = ReadInitialModel(path, config, InitialFit::kBase);
  if (initial.origin.digest != origin.digest) {
    throw UsageError("{}: has other weights than those that the adapter was trained beside",
                     initial.origin.checkpoint.string());
  }
  return initial;
}

TokenizerPair TakeTokenizers(const InitialModel& initial, InitialFit fit, Config* config) {
  TokenizerPair tokenizers = ChooseTokenizers(initial, fit, config);
  if (config->model.tied_embeddings == TiedEmbeddings::kAll && !tokenizers.one_vocabulary()) {
    throw UsageError(
        "model.tied_embeddings: all needs one vocabulary for both sides, but {} has two; use "
        "decoder or none",
        initial.origin.checkpoint.string());
  }
  return tokenizers;
}

}  // namespace wavemt
