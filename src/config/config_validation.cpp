#include "config/config_validation.h"

#include <string>

#include "support/error.h"

namespace wavemt {
namespace {

void ValidateFiles(const ParallelFiles& files, const std::string& key, const ConfigOrigin& origin) {
  if (!files.tsv.empty() && !(files.source.empty() && files.target.empty())) {
    throw UsageError("{}: give either tsv or source and target, not both", origin.Of(key));
  }
  if (files.source.size() != files.target.size()) {
    throw UsageError(
        "{}: {} source file(s) but {} target file(s); line n of a source file must "
        "have its translation on line n of the target file beside it",
        origin.Of(key), files.source.size(), files.target.size());
  }
  const std::vector<int64_t>& columns = files.tsv_columns;
  if (columns.size() != 2 || columns[0] < 1 || columns[1] < 1 || columns[0] == columns[1]) {
    throw UsageError(
        "{}: must be two different columns, counted from 1: [1, 2] for the source in the first and "
        "the target in the second",
        origin.Of(key + ".tsv_columns"));
  }
}

void ValidateData(const Config& config, const ConfigOrigin& origin) {
  if (config.data.train.empty()) {
    throw UsageError(
        "{}: is missing: give source and target files, or one tsv file, of parallel text",
        origin.Of("data.train"));
  }
  ValidateFiles(config.data.train, "data.train", origin);
  ValidateFiles(config.data.valid, "data.valid", origin);
  ValidateFiles(config.data.test, "data.test", origin);
  // The end or the beginning of the sentence takes one more position.
  const int64_t positions = config.model.position_encoding.max_length;
  if (config.data.max_length >= positions) {
    throw UsageError(
        "{}: {} tokens and the end of the sentence do not fit into "
        "model.position_encoding.max_length = {} positions; use at most {}",
        origin.Of("data.max_length"), config.data.max_length, positions, positions - 1);
  }
  if (config.data.max_length >= config.training.batch_tokens) {
    throw UsageError(
        "{}: {} is too small for one sentence of data.max_length = {} tokens; use at "
        "least {}",
        origin.Of("training.batch_tokens"), config.training.batch_tokens, config.data.max_length,
        config.data.max_length + 1);
  }
}

void ValidateTokenizer(const TokenizerConfig& tokenizer, const ConfigOrigin& origin) {
  const bool has_source = !tokenizer.source_model.empty();
  const bool has_target = !tokenizer.target_model.empty();
  if (has_source != has_target) {
    throw UsageError(
        "{}: is missing: tokenizer.source_model and tokenizer.target_model go together",
        origin.Of(has_source ? "tokenizer.target_model" : "tokenizer.source_model"));
  }
  if (has_source && tokenizer.shared) {
    throw UsageError(
        "{}: true does not go with one model per side; use false, or give "
        "tokenizer.model alone",
        origin.Of("tokenizer.shared"));
  }
  if (!tokenizer.model.empty() && (has_source || !tokenizer.shared)) {
    throw UsageError(
        "{}: is one model for both sides, but {}; leave one of the two out",
        origin.Of("tokenizer.model"),
        has_source ? "tokenizer.source_model is given too" : "tokenizer.shared is false");
  }
  constexpr int64_t kBytePieces = 256;
  constexpr int64_t kSpecialPieces = 4;
  const bool trains = tokenizer.model.empty() && !has_source;
  if (trains && tokenizer.byte_fallback && tokenizer.vocab_size <= kBytePieces + kSpecialPieces) {
    throw UsageError(
        "{}: {} leaves no room beside the 256 bytes of tokenizer.byte_fallback; use "
        "more than {}",
        origin.Of("tokenizer.vocab_size"), tokenizer.vocab_size, kBytePieces + kSpecialPieces);
  }
}

void ValidateModel(const Config& config, const ConfigOrigin& origin) {
  const ModelConfig& model = config.model;
  if (model.d_model % model.num_heads != 0) {
    throw UsageError("{}: {} does not divide d_model = {}", origin.Of("model.num_heads"),
                     model.num_heads, model.d_model);
  }
  if (model.tied_embeddings == TiedEmbeddings::kAll && !config.tokenizer.shared) {
    throw UsageError(
        "{}: all needs one vocabulary for both sides, but tokenizer.shared is false; "
        "use decoder or none",
        origin.Of("model.tied_embeddings"));
  }
}

void ValidateTraining(const Config& config, const ConfigOrigin& origin) {
  const TrainingConfig& training = config.training;
  if (training.min_learning_rate > training.learning_rate) {
    throw UsageError("{}: {} is above training.learning_rate = {}",
                     origin.Of("training.min_learning_rate"), training.min_learning_rate,
                     training.learning_rate);
  }
  if (training.patience > 0 && (config.data.valid.empty() || training.validate_every == 0)) {
    throw UsageError(
        "{}: {} needs validations to watch; give data.valid and "
        "training.validate_every",
        origin.Of("training.patience"), training.patience);
  }
}

void ValidateDecoding(const Config& config, const ConfigOrigin& origin) {
  const DecodingConfig& decoding = config.decoding;
  if (decoding.n_best > decoding.beam_size) {
    throw UsageError(
        "{}: {} translations need a beam at least as large, but decoding.beam_size "
        "is {}",
        origin.Of("decoding.n_best"), decoding.n_best, decoding.beam_size);
  }
}

}  // namespace

void ValidateConfig(const Config& config, const ConfigOrigin& origin) {
  ValidateData(config, origin);
  ValidateTokenizer(config.tokenizer, origin);
  ValidateModel(config, origin);
  ValidateTraining(config, origin);
  ValidateDecoding(config, origin);
}

}  // namespace wavemt
