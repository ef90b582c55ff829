#include "config/config_validation.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/config_fields.h"
#include "support/error.h"
#include "support/json.h"
#include "support/utf8.h"

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

bool IsNameOfSet(const std::string& name) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  return !name.empty() && name.find_first_not_of(kLetters) == std::string::npos;
}

void ValidateCorpus(const HeldOutCorpus& corpus, const std::string& key,
                    const ConfigOrigin& origin) {
  ValidateFiles(corpus.files, key, origin);
}

void ValidateCorpus(const TrainingCorpus& corpus, const std::string& key,
                    const ConfigOrigin& origin) {
  ValidateFiles(corpus.files, key, origin);
  const size_t files = std::max(corpus.files.source.size(), corpus.files.tsv.size());
  if (!corpus.weights.empty() && corpus.weights.size() != files) {
    throw UsageError(
        "{}: {} file(s) of weights for {} file(s) of pairs; line n of each has the weight of pair "
        "n of the file beside it",
        origin.Of(key + ".weights"), corpus.weights.size(), files);
  }
  RequireLengthRatio(corpus.filter.max_length_ratio, origin.Of(key + ".filter.max_length_ratio"));
}

template <typename Corpus>
void ValidateCorpora(const CorpusList<Corpus>& corpora, const std::string& key,
                     const ConfigOrigin& origin) {
  ValidateCorpus(corpora.unnamed, key, origin);
  for (size_t i = 0; i < corpora.named.size(); ++i) {
    const auto& [name, corpus] = corpora.named[i];
    const std::string key_of_item = fmt::format("{}[{}]", key, i);
    if (!IsNameOfSet(name)) {
      throw UsageError(
          "{}: {}: each corpus of a list has a name of ASCII letters, digits, - and _",
          origin.Of(key_of_item + ".name"),
          name.empty() ? "is missing" : fmt::format("{} is not possible", QuoteJson(name)));
    }
    for (size_t before = 0; before < i; ++before) {
      if (corpora.named[before].name != name) continue;
      throw UsageError("{}: {} is the name of {}[{}] too; each corpus has its own",
                       origin.Of(key_of_item + ".name"), QuoteJson(name), key, before);
    }
    if (corpus.empty()) {
      throw UsageError("{}: has no text: give source and target files, or one tsv file",
                       origin.Of(key_of_item));
    }
    ValidateCorpus(corpus, key_of_item, origin);
  }
}

// How often each training corpus is drawn from: by weights, by a temperature, or as it is.
void ValidateMixing(const Config& config, const ConfigOrigin& origin) {
  const CorpusList<TrainingCorpus>& train = config.data.train;
  const bool has_temperature = config.data.temperature != DataConfig{}.temperature;
  if (train.unnamed.weight > 0) {
    throw UsageError(
        "{}: counts only in a list of corpora, where it is compared with the weights of the others",
        origin.Of("data.train.weight"));
  }
  if (has_temperature && train.named.empty()) {
    throw UsageError("{}: counts only if data.train is a list of corpora",
                     origin.Of("data.temperature"));
  }
  const auto has_weight = [](const Named<TrainingCorpus>& item) { return item.corpus.weight > 0; };
  const auto with = std::ranges::find_if(train.named, has_weight);
  if (with == train.named.end()) return;
  const auto without = std::ranges::find_if_not(train.named, has_weight);
  if (without != train.named.end()) {
    throw UsageError(
        "{}: is missing or 0, but {} has a weight; give one above 0 to each corpus, or to none",
        origin.Of(fmt::format("data.train[{}].weight", without - train.named.begin())), with->name);
  }
  if (has_temperature) {
    throw UsageError("{}: counts only for corpora without weights; leave out one of the two",
                     origin.Of("data.temperature"));
  }
}

void ValidatePrefixes(const Config& config, const ConfigOrigin& origin) {
  const auto check = [&](const std::string& prefix, const std::string& key) {
    if (prefix.find_first_of("\t\r\n") == std::string::npos) return;
    throw UsageError("{}: {} holds a tab or a line break; tags are separated by spaces",
                     origin.Of(key), QuoteJson(prefix));
  };
  const auto check_all = [&](const auto& corpora, const std::string& key) {
    check(corpora.unnamed.source_prefix, key + ".source_prefix");
    for (size_t i = 0; i < corpora.named.size(); ++i) {
      check(corpora.named[i].corpus.source_prefix, fmt::format("{}[{}].source_prefix", key, i));
    }
  };
  check_all(config.data.train, "data.train");
  check_all(config.data.valid, "data.valid");
  check_all(config.data.test, "data.test");
  check(config.decoding.source_prefix, "decoding.source_prefix");
}

void ValidateData(const Config& config, const ConfigOrigin& origin) {
  ValidateCorpora(config.data.train, "data.train", origin);
  ValidateCorpora(config.data.valid, "data.valid", origin);
  ValidateCorpora(config.data.test, "data.test", origin);
  ValidateMixing(config, origin);
  ValidatePrefixes(config, origin);
  // The end or the beginning of the sentence takes one more position.
  const int64_t positions = config.model.position_encoding.max_length;
  if (config.data.max_length >= positions) {
    throw UsageError(
        "{}: {} tokens and the end of the sentence do not fit into "
        "model.position_encoding.max_length = {} positions; use at most {}",
        origin.Of("data.max_length"), config.data.max_length, positions, positions - 1);
  }
  const int64_t shift = config.model.position_encoding.random_shift;
  if (shift > 0 && config.data.max_length >= positions - shift) {
    throw UsageError(
        "{}: a sentence of data.max_length = {} tokens that starts at position {} does not fit "
        "into model.position_encoding.max_length = {} positions; use at most {}",
        origin.Of("model.position_encoding.random_shift"), config.data.max_length, shift, positions,
        positions - config.data.max_length - 1);
  }
  if (config.data.max_length >= config.training.batch_tokens) {
    throw UsageError(
        "{}: {} is too small for one sentence of data.max_length = {} tokens; use at "
        "least {}",
        origin.Of("training.batch_tokens"), config.training.batch_tokens, config.data.max_length,
        config.data.max_length + 1);
  }
}

void ValidateSymbols(const TokenizerConfig& tokenizer, const ConfigOrigin& origin) {
  if (tokenizer.user_defined_symbols.empty()) return;
  const std::string where = origin.Of("tokenizer.user_defined_symbols");
  if (!tokenizer.model.empty() || !tokenizer.source_model.empty()) {
    throw UsageError(
        "{}: counts only for a tokenizer that is trained; one that exists keeps its pieces", where);
  }
  RequireSymbols(tokenizer.user_defined_symbols, where);
}

void ValidateSampling(const TokenizerConfig& tokenizer, const ConfigOrigin& origin) {
  const int64_t nbest = tokenizer.sampling.nbest;
  if (nbest == 0) return;
  const std::string where = origin.Of("tokenizer.sampling.nbest");
  if (!tokenizer.sampling.is_on()) {
    throw UsageError("{}: has no effect unless tokenizer.sampling.alpha is above 0", where);
  }
  if (nbest == 1) {
    throw UsageError("{}: 1 leaves nothing to draw from; use at least 2, or 0 for all", where);
  }
  const bool trains = tokenizer.model.empty() && tokenizer.source_model.empty();
  if (trains && tokenizer.type == TokenizerType::kBpe) {
    throw UsageError(
        "{}: is for unigram vocabularies only, but tokenizer.type is bpe; leave it out", where);
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
  if (!tokenizer.vocabulary.empty() && tokenizer.model.empty() && !has_source) {
    throw UsageError(
        "{}: has the ids for pieces of SentencePiece models that exist already; give "
        "tokenizer.model, or tokenizer.source_model and tokenizer.target_model",
        origin.Of("tokenizer.vocabulary"));
  }
  ValidateSymbols(tokenizer, origin);
  ValidateSampling(tokenizer, origin);
  constexpr int64_t kSpecialPieces = 4;
  const bool trains = tokenizer.model.empty() && !has_source;
  const auto symbols = static_cast<int64_t>(tokenizer.user_defined_symbols.size());
  const int64_t taken = kSpecialPieces + symbols + (tokenizer.byte_fallback ? 256 : 0);
  if (!trains || tokenizer.vocab_size > taken) return;
  if (tokenizer.byte_fallback) {
    throw UsageError(
        "{}: {} leaves no room beside the 256 bytes of tokenizer.byte_fallback{}; use more than {}",
        origin.Of("tokenizer.vocab_size"), tokenizer.vocab_size,
        symbols > 0 ? fmt::format(" and {} symbols", symbols) : "", taken);
  }
  throw UsageError("{}: {} leaves no room beside {} special pieces and symbols; use more than {}",
                   origin.Of("tokenizer.vocab_size"), tokenizer.vocab_size, taken, taken);
}

bool HasAbsolutePositions(PositionEncodingType type) {
  return type == PositionEncodingType::kSinusoidal || type == PositionEncodingType::kLearned ||
         type == PositionEncodingType::kArticle || type == PositionEncodingType::kArticleFixed;
}

void ValidatePositions(const ModelConfig& model, const ConfigOrigin& origin) {
  const PositionEncodingConfig& positions = model.position_encoding;
  const auto of = [&](const char* key) {
    return origin.Of(fmt::format("model.position_encoding.{}", key));
  };
  const int64_t head_dim = model.d_model / model.num_heads;
  if (positions.type == PositionEncodingType::kRotary && head_dim % 2 != 0) {
    throw UsageError(
        "{}: rotary turns pairs of columns, but d_model / num_heads = {} / {} = {} is odd; use "
        "another model.num_heads or another encoding",
        of("type"), model.d_model, model.num_heads, head_dim);
  }
  if (positions.random_shift > 0 && !HasAbsolutePositions(positions.type)) {
    throw UsageError(
        "{}: {} has no absolute positions that could be shifted; use 0, or one of sinusoidal, "
        "learned, article and article_fixed",
        of("random_shift"), NameOf(positions.type));
  }
  // A key that does nothing is a mistake of the person who set it.
  const PositionEncodingConfig defaults;
  const auto require = [&](const char* key, bool is_set, PositionEncodingType type) {
    if (is_set && positions.type != type) {
      throw UsageError("{}: counts only if model.position_encoding.type is {}, but it is {}",
                       of(key), NameOf(type), NameOf(positions.type));
    }
  };
  require("rotary_base", positions.rotary_base != defaults.rotary_base,
          PositionEncodingType::kRotary);
  require("alibi_slopes", positions.alibi_slopes != defaults.alibi_slopes,
          PositionEncodingType::kAlibi);
  require("relative_clip_distance",
          positions.relative_clip_distance != defaults.relative_clip_distance,
          PositionEncodingType::kRelative);
  require("t5_num_buckets", positions.t5_num_buckets != defaults.t5_num_buckets,
          PositionEncodingType::kT5);
  require("t5_max_distance", positions.t5_max_distance != defaults.t5_max_distance,
          PositionEncodingType::kT5);
  if (positions.type != PositionEncodingType::kT5) return;
  if (positions.t5_num_buckets % 2 != 0) {
    throw UsageError("{}: {} cannot be shared by two directions; use an even number",
                     of("t5_num_buckets"), positions.t5_num_buckets);
  }
  if (positions.t5_max_distance <= positions.t5_num_buckets / 2) {
    throw UsageError(
        "{}: {} must be above half of t5_num_buckets = {}, whose first half holds one distance "
        "each",
        of("t5_max_distance"), positions.t5_max_distance, positions.t5_num_buckets);
  }
}

void ValidateModel(const Config& config, const ConfigOrigin& origin) {
  const ModelConfig& model = config.model;
  if (model.d_model % model.num_heads != 0) {
    throw UsageError("{}: {} does not divide d_model = {}", origin.Of("model.num_heads"),
                     model.num_heads, model.d_model);
  }
  const bool one_vocabulary = config.tokenizer.shared || !config.tokenizer.vocabulary.empty();
  if (model.tied_embeddings == TiedEmbeddings::kAll && !one_vocabulary) {
    throw UsageError(
        "{}: all needs one vocabulary for both sides, but tokenizer.shared is false; "
        "use decoder or none",
        origin.Of("model.tied_embeddings"));
  }
  ValidatePositions(model, origin);
}

// What an adapter forbids elsewhere in a config.
void ValidateBesideAdapter(const Config& config, const ConfigOrigin& origin) {
  if (config.adapter.type == AdapterType::kNone) return;
  const auto refuse = [&](const char* key) {
    throw UsageError(
        "{}: does not go with adapter.type = {}, which leaves all weights of the model as they are",
        origin.Of(key), NameOf(config.adapter.type));
  };
  if (!config.training.freeze.empty()) refuse("training.freeze");
  if (config.training.anchor > 0) refuse("training.anchor");
}

void ValidateAverageOfBest(const Config& config, const ConfigOrigin& origin) {
  const TrainingConfig& training = config.training;
  if (training.average_best == 0) return;
  if (training.average_best == 1) {
    throw UsageError("{}: one checkpoint has no average; use at least 2, or 0 for none",
                     origin.Of("training.average_best"));
  }
  if (config.data.valid.empty() || training.validate_every == 0) {
    throw UsageError(
        "{}: {} needs validations to choose checkpoints by; set data.valid, and "
        "training.validate_every above 0",
        origin.Of("training.average_best"), training.average_best);
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
  const bool has_dropout = config.model.dropout > 0 || config.model.attention_dropout > 0 ||
                           config.model.activation_dropout > 0 || config.adapter.lora_dropout > 0;
  if (training.r_drop.alpha > 0 && !has_dropout) {
    throw UsageError(
        "{}: {} compares two passes with different dropout, but the model has none; set "
        "model.dropout, or use 0",
        origin.Of("training.r_drop.alpha"), training.r_drop.alpha);
  }
  ValidateAverageOfBest(config, origin);
}

void ValidateDecoding(const Config& config, const ConfigOrigin& origin) {
  const DecodingConfig& decoding = config.decoding;
  if (!decoding.draws()) {
    const DecodingConfig defaults;
    const auto require_draws = [&](const char* key, bool is_set) {
      if (!is_set) return;
      throw UsageError("{}: counts only in sampling; add decoding.sampling=true (--sampling)",
                       origin.Of(fmt::format("decoding.{}", key)));
    };
    require_draws("temperature", decoding.temperature != defaults.temperature);
    require_draws("top_k", decoding.top_k != defaults.top_k);
    require_draws("top_p", decoding.top_p != defaults.top_p);
    require_draws("seed", decoding.seed != defaults.seed);
  }
  if (decoding.mbr_samples == 0 && decoding.mbr_metric != DecodingConfig{}.mbr_metric) {
    throw UsageError(
        "{}: counts only in minimum Bayes risk decoding; add decoding.mbr_samples (--mbr)",
        origin.Of("decoding.mbr_metric"));
  }
  if (decoding.min_output_length > decoding.max_output_length) {
    throw UsageError("{}: {} is above decoding.max_output_length = {}",
                     origin.Of("decoding.min_output_length"), decoding.min_output_length,
                     decoding.max_output_length);
  }
  if (decoding.max_output_ratio > 0 && decoding.min_output_ratio > decoding.max_output_ratio) {
    throw UsageError("{}: {} is above decoding.max_output_ratio = {}",
                     origin.Of("decoding.min_output_ratio"), decoding.min_output_ratio,
                     decoding.max_output_ratio);
  }
  if (decoding.attention_layer > config.model.num_decoder_layers) {
    throw UsageError("{}: the decoder has {} layers, so there is no layer {}",
                     origin.Of("decoding.attention_layer"), config.model.num_decoder_layers,
                     decoding.attention_layer);
  }
  if (decoding.draws() && decoding.coverage_penalty > 0) {
    throw UsageError("{}: ranks the translations of a search, and sampling does not search",
                     origin.Of("decoding.coverage_penalty"));
  }
  if (decoding.mbr_samples > 0) {
    if (decoding.n_best > decoding.mbr_samples) {
      throw UsageError("{}: {} translations cannot be chosen among decoding.mbr_samples = {}",
                       origin.Of("decoding.n_best"), decoding.n_best, decoding.mbr_samples);
    }
    return;
  }
  if (!decoding.sampling && decoding.n_best > decoding.beam_size) {
    throw UsageError(
        "{}: {} translations need a beam at least as large, but decoding.beam_size "
        "is {}",
        origin.Of("decoding.n_best"), decoding.n_best, decoding.beam_size);
  }
}

}  // namespace

void RequireLengthRatio(double ratio, const std::string& where) {
  if (ratio == 0 || ratio >= 1) return;
  throw UsageError(
      "{}: {} is no limit, since the longer side is never below the shorter one; use at least 1, "
      "or "
      "0 for no limit",
      where, ratio);
}

void RequireSymbols(const std::vector<std::string>& symbols, const std::string& where) {
  // The names of the pieces that every trained tokenizer has.
  constexpr std::string_view kTaken[] = {"<unk>", "<pad>", "<s>", "</s>"};
  constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581, SentencePiece's space.
  const auto is_byte = [](std::string_view text) {
    return text.size() == 6 && text.starts_with("<0x") && text.back() == '>';
  };
  for (auto symbol = symbols.begin(); symbol != symbols.end(); ++symbol) {
    if (symbol->empty()) throw UsageError("{}: a symbol is empty", where);
    for (const char c : *symbol) {
      if (static_cast<unsigned char>(c) > ' ' && c != 0x7F) continue;
      throw UsageError("{}: {} is not possible: a symbol has no spaces or control characters",
                       where, QuoteJson(*symbol));
    }
    if (FindInvalidUtf8(*symbol)) {
      throw UsageError("{}: {} is not UTF-8", where, QuoteJson(*symbol));
    }
    if (symbol->find(kSpaceMark) != std::string::npos) {
      throw UsageError("{}: {} is not possible: U+2581 stands for a space in SentencePiece", where,
                       QuoteJson(*symbol));
    }
    if (is_byte(*symbol) || std::ranges::find(kTaken, *symbol) != std::end(kTaken)) {
      throw UsageError("{}: {} is there already, with a meaning of its own", where, *symbol);
    }
    if (std::find(symbols.begin(), symbol, *symbol) != symbol) {
      throw UsageError("{}: {} is in the list twice", where, *symbol);
    }
  }
}

void ValidateAdapter(const AdapterConfig& adapter, const ConfigOrigin& origin) {
  const AdapterConfig defaults;
  const auto require = [&](const char* key, bool is_set, AdapterType type) {
    if (is_set && adapter.type != type) {
      throw UsageError("{}: counts only if adapter.type is {}, but it is {}",
                       origin.Of(fmt::format("adapter.{}", key)), NameOf(type),
                       NameOf(adapter.type));
    }
  };
  require("lora_rank", adapter.lora_rank != defaults.lora_rank, AdapterType::kLora);
  require("lora_alpha", adapter.lora_alpha != defaults.lora_alpha, AdapterType::kLora);
  require("lora_dropout", adapter.lora_dropout != defaults.lora_dropout, AdapterType::kLora);
  require("lora_projections", adapter.lora_projections != defaults.lora_projections,
          AdapterType::kLora);
  require("prefix_length", adapter.prefix_length != defaults.prefix_length, AdapterType::kPrefix);
  require("prefix_hidden_dim", adapter.prefix_hidden_dim != defaults.prefix_hidden_dim,
          AdapterType::kPrefix);
  if (adapter.type != AdapterType::kLora) return;
  std::vector<LoraProjection> named = adapter.lora_projections;
  std::ranges::sort(named);
  if (named.empty() || std::ranges::adjacent_find(named) != named.end()) {
    throw UsageError("{}: must name at least one projection, and none twice",
                     origin.Of("adapter.lora_projections"));
  }
}

void RequireTrainingText(const Config& config, const ConfigOrigin& origin) {
  if (!config.data.train.empty()) return;
  throw UsageError(
      "{}: is missing: give source and target files, or one tsv file, of parallel text",
      origin.Of("data.train"));
}

void ValidateConfig(const Config& config, const ConfigOrigin& origin) {
  ValidateTokenizer(config.tokenizer, origin);
  ValidateModel(config, origin);
  ValidateAdapter(config.adapter, origin);
  ValidateBesideAdapter(config, origin);
  ValidateData(config, origin);
  ValidateTraining(config, origin);
  ValidateDecoding(config, origin);
}

}  // namespace wavemt
