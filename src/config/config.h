#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace wavemt {

/// A parallel corpus, given in one of two forms:
///   source, target   line n of a source file is a translation of line n of its target file
///   tsv              tab-separated columns; tsv_columns are those of source and target, from 1
/// Several files are read one after another. Each may be compressed with gzip, zstd, xz or bzip2.
struct ParallelFiles {
  std::vector<std::filesystem::path> source;
  std::vector<std::filesystem::path> target;
  std::vector<std::filesystem::path> tsv;
  std::vector<int64_t> tsv_columns = {1, 2};

  bool empty() const { return source.empty() && target.empty() && tsv.empty(); }
};

/// Which pairs of a corpus are left out. The defaults keep every pair that can be trained on;
/// RecommendedFilter() does not. data/cleaning/ says what each rule looks at.
struct PairFilter {
  int64_t max_words = 0;          // 0: no limit.
  double max_length_ratio = 0.0;  // 0: no limit.
  double min_script_share = 0.0;
  bool remove_copies = false;
  bool remove_bad_encoding = false;
  bool remove_different_numbers = false;
  bool remove_duplicates = false;

  bool operator==(const PairFilter&) const = default;
};

/// A corpus to train on.
struct TrainingCorpus {
  ParallelFiles files{};
  std::vector<std::filesystem::path> weights{};  // Of its pairs: a file for each file of pairs.
  double weight = 0.0;                           // Among the corpora of a list; 0: not given.
  std::string source_prefix{};
  PairFilter filter{};

  bool empty() const { return files.empty(); }
};

/// A corpus to validate on or to test with.
struct HeldOutCorpus {
  ParallelFiles files{};
  std::string source_prefix{};

  bool empty() const { return files.empty(); }
};

/// One corpus of several for the same purpose.
template <typename Corpus>
struct Named {
  std::string name;  // ASCII letters, digits, - and _; empty: it is the only corpus.
  Corpus corpus;

  /// For messages: "data.valid (news)"; without a name, "data.valid", which is `key`.
  std::string Describe(const std::string& key) const {
    return name.empty() ? key : key + " (" + name + ")";
  }
};

/// The corpora for one purpose: a single one without a name, or a list of them, each with its own.
template <typename Corpus>
struct CorpusList {
  Corpus unnamed;
  std::vector<Named<Corpus>> named;  // If there are any, `unnamed` is empty.

  bool empty() const { return unnamed.empty() && named.empty(); }
  /// All of them, in the order of the list. None if there is no corpus.
  std::vector<Named<Corpus>> All() const {
    if (!named.empty() || unnamed.empty()) return named;
    return {{.name = "", .corpus = unnamed}};
  }
};

struct DataConfig {
  CorpusList<TrainingCorpus> train;
  double temperature = 1.0;
  CorpusList<HeldOutCorpus> valid;
  CorpusList<HeldOutCorpus> test;
  std::string source_language;
  std::string target_language;
  int64_t max_length = 128;
  std::filesystem::path cache_dir;
};

enum class TokenizerType { kUnigram, kBpe };
enum class Normalization { kIdentity, kNfkc, kNmtNfkc };

/// Subword sampling: training text is segmented differently in each pass.
struct SubwordSamplingConfig {
  double alpha = 0.0;  // 0: off.
  int64_t nbest = 0;   // 0: from all.

  bool is_on() const { return alpha > 0; }
};

struct TokenizerConfig {
  std::filesystem::path model;
  std::filesystem::path source_model;
  std::filesystem::path target_model;
  std::filesystem::path vocabulary;
  bool shared = true;
  TokenizerType type = TokenizerType::kUnigram;
  int64_t vocab_size = 8000;
  double character_coverage = 0.9995;
  bool byte_fallback = true;
  Normalization normalization = Normalization::kIdentity;
  std::vector<std::string> user_defined_symbols;
  bool normalize_whitespace = true;
  int64_t training_sentences = 2'000'000;
  SubwordSamplingConfig sampling;
};

enum class PositionEncodingType {
  kSinusoidal,
  kLearned,
  kArticle,
  kArticleFixed,
  kRotary,
  kAlibi,
  kRelative,
  kT5,
  kNone
};
enum class AlibiSlopes { kFixed, kTrained };

struct PositionEncodingConfig {
  PositionEncodingType type = PositionEncodingType::kSinusoidal;
  int64_t max_length = 512;
  int64_t random_shift = 0;
  double rotary_base = 10000.0;
  AlibiSlopes alibi_slopes = AlibiSlopes::kFixed;
  int64_t relative_clip_distance = 16;
  int64_t t5_num_buckets = 32;
  int64_t t5_max_distance = 128;
};

enum class LayerNormPlacement { kPre, kPost };
enum class Activation { kRelu, kGelu, kSwish, kSwiglu };
enum class TiedEmbeddings { kNone, kDecoder, kAll };

struct ModelConfig {
  int64_t d_model = 512;
  int64_t num_heads = 8;
  int64_t ffn_dim = 2048;
  int64_t num_encoder_layers = 6;
  int64_t num_decoder_layers = 6;
  LayerNormPlacement layer_norm = LayerNormPlacement::kPre;
  Activation activation = Activation::kRelu;
  double dropout = 0.1;
  double attention_dropout = 0.0;
  double activation_dropout = 0.0;
  TiedEmbeddings tied_embeddings = TiedEmbeddings::kAll;
  bool output_bias = false;
  PositionEncodingConfig position_encoding;
};

enum class AdapterType { kNone, kLora, kPrefix };
enum class LoraProjection { kQuery, kKey, kValue, kOutput, kFeedForward };

struct AdapterConfig {
  AdapterType type = AdapterType::kNone;
  int64_t lora_rank = 8;
  double lora_alpha = 16.0;
  double lora_dropout = 0.0;
  std::vector<LoraProjection> lora_projections = {LoraProjection::kQuery, LoraProjection::kValue};
  int64_t prefix_length = 16;
  int64_t prefix_hidden_dim = 0;
};

enum class OptimizerType { kAdam, kAdamW };

struct OptimizerConfig {
  OptimizerType type = OptimizerType::kAdamW;
  double beta1 = 0.9;
  double beta2 = 0.98;
  double epsilon = 1e-9;
  double weight_decay = 0.0;
};

/// Regularized dropout: two passes over each batch, pulled together.
struct RDropConfig {
  double alpha = 0.0;
};

enum class LearningRateSchedule { kInverseSqrt, kCosine, kLinear, kConstant };
enum class Precision { kFp32, kBf16, kAuto };
enum class AllReducePrecision { kFp32, kBf16 };
enum class ValidationMetric { kLoss, kPerplexity, kBleu, kChrf, kAccuracy };

/// The most that training.average_best may be.
inline constexpr int64_t kMaxAverageBest = 100;
/// The most that training.validation_samples may be.
inline constexpr int64_t kMaxValidationSamples = 100;

struct TrainingConfig {
  int64_t max_steps = 100'000;
  int64_t max_epochs = 0;
  int64_t batch_tokens = 4096;
  int64_t gradient_accumulation = 1;
  bool gradient_checkpointing = false;
  double label_smoothing = 0.1;
  RDropConfig r_drop;
  OptimizerConfig optimizer;
  double learning_rate = 0.001;
  LearningRateSchedule schedule = LearningRateSchedule::kInverseSqrt;
  int64_t warmup_steps = 4000;
  double min_learning_rate = 0.0;
  double clip_norm = 1.0;
  double ema_decay = 0.0;
  Precision precision = Precision::kFp32;
  AllReducePrecision all_reduce_precision = AllReducePrecision::kFp32;
  bool shard_optimizer = false;
  int64_t log_every = 50;
  int64_t tensorboard_histograms = 0;
  int64_t validate_every = 1000;
  int64_t save_every = 1000;
  int64_t keep_last = 3;
  int64_t average_best = 0;
  int64_t validation_beam_size = 1;
  int64_t validation_samples = 3;
  ValidationMetric best_metric = ValidationMetric::kBleu;
  int64_t patience = 0;
  int64_t max_skipped_steps = 10;
  std::vector<std::string> freeze;
  double anchor = 0.0;
};

enum class SentenceSplitting { kAuto, kAlways, kNever };

enum class DecodingPrecision { kFp32, kBf16, kInt8, kAuto };

/// How the models of an ensemble agree on a next token.
enum class EnsembleMean {
  kProbabilities,     // The mean of their probabilities.
  kLogProbabilities,  // That of their logarithms, as in Marian: a token that one rules out is out.
};

/// What minimum Bayes risk decoding compares samples with.
enum class MbrMetric { kChrf, kBleu };

struct DecodingConfig {
  std::string source_prefix;
  int64_t beam_size = 5;
  double length_penalty = 1.0;
  double coverage_penalty = 0.0;
  int64_t n_best = 1;
  int64_t min_output_length = 0;
  int64_t max_output_length = 256;
  double min_output_ratio = 0.0;
  double max_output_ratio = 0.0;
  int64_t no_repeat_ngram_size = 0;
  bool sampling = false;
  double temperature = 1.0;
  int64_t top_k = 0;
  double top_p = 1.0;
  int64_t seed = 1;
  int64_t mbr_samples = 0;
  MbrMetric mbr_metric = MbrMetric::kChrf;
  EnsembleMean ensemble_mean = EnsembleMean::kProbabilities;
  int64_t attention_layer = 0;
  SentenceSplitting split_sentences = SentenceSplitting::kAuto;
  int64_t batch_tokens = 2048;
  DecodingPrecision precision = DecodingPrecision::kFp32;

  /// Whether translations are drawn rather than searched for.
  bool draws() const { return sampling || mbr_samples > 0; }
};

enum class EvaluationTokenizer { kAuto, k13a, kIntl, kZh, kChar, kNone };

struct EvaluationConfig {
  EvaluationTokenizer tokenize = EvaluationTokenizer::kAuto;
};

/// All settings of a run. The values here are the defaults; config_fields.h has each key's name,
/// range and description.
struct Config {
  int64_t seed = 1;
  std::string run_dir;
  DataConfig data;
  TokenizerConfig tokenizer;
  ModelConfig model;
  AdapterConfig adapter;
  TrainingConfig training;
  DecodingConfig decoding;
  EvaluationConfig evaluation;
};

}  // namespace wavemt
