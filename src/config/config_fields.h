#pragma once

#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "config/config.h"

/// The one place that knows every config key: its name, its range and what it means. Reading,
/// writing, overriding and the JSON Schema are visitors of these lists. A visitor has
///   void Field(std::string_view name, T& value, const KeyDoc& doc);
///   void Field(std::string_view name, T& value, Range range, const KeyDoc& doc);   // numbers
///   void Section(std::string_view name, T& section, std::string_view doc);
/// To add a key: a member with its default in config.h, a line here, and the code that uses it.
namespace wavemt {

/// Which numbers are possible.
struct Range {
  double minimum = std::numeric_limits<double>::lowest();
  double maximum = std::numeric_limits<double>::max();
  bool minimum_excluded = false;
  bool maximum_excluded = false;
};

constexpr Range AtLeast(double minimum) { return {.minimum = minimum}; }
constexpr Range Above(double minimum) { return {.minimum = minimum, .minimum_excluded = true}; }
constexpr Range Between(double minimum, double maximum) {
  return {.minimum = minimum, .maximum = maximum};
}
/// minimum <= value < maximum
constexpr Range FromToBelow(double minimum, double maximum) {
  return {.minimum = minimum, .maximum = maximum, .maximum_excluded = true};
}

/// Whether `wavemt resume --set` may change a key in the middle of a run.
enum class OnResume {
  kFixed,  // The saved position in the data, the vocabulary or the weights depend on it.
  kMayChange,
  kFixedForTranslationScores,  // Fixed where BLEU or chrF says which checkpoint is the best.
  kFixedForBleu,               // Fixed where BLEU does.
};

/// What a key means. A text alone is that of a key that resume cannot change: whoever adds a key
/// that resume may change has to say so.
struct KeyDoc {
  constexpr KeyDoc(const char* key_text, OnResume resume = OnResume::kFixed)
      : text(key_text), on_resume(resume) {}

  std::string_view text;
  OnResume on_resume;
};
constexpr KeyDoc MayChange(const char* text) { return {text, OnResume::kMayChange}; }
constexpr KeyDoc FixedForTranslationScores(const char* text) {
  return {text, OnResume::kFixedForTranslationScores};
}
constexpr KeyDoc FixedForBleu(const char* text) { return {text, OnResume::kFixedForBleu}; }

// The names of enumerated values, in the order of the documentation. The argument only selects.
template <typename T>
using NamedValue = std::pair<std::string_view, T>;

constexpr auto NamesOf(TokenizerType) {
  return std::to_array<NamedValue<TokenizerType>>(
      {{"unigram", TokenizerType::kUnigram}, {"bpe", TokenizerType::kBpe}});
}
constexpr auto NamesOf(Normalization) {
  return std::to_array<NamedValue<Normalization>>({{"identity", Normalization::kIdentity},
                                                   {"nfkc", Normalization::kNfkc},
                                                   {"nmt_nfkc", Normalization::kNmtNfkc}});
}
constexpr auto NamesOf(PositionEncodingType) {
  return std::to_array<NamedValue<PositionEncodingType>>(
      {{"sinusoidal", PositionEncodingType::kSinusoidal}});
}
constexpr auto NamesOf(LayerNormPlacement) {
  return std::to_array<NamedValue<LayerNormPlacement>>(
      {{"pre", LayerNormPlacement::kPre}, {"post", LayerNormPlacement::kPost}});
}
constexpr auto NamesOf(Activation) {
  return std::to_array<NamedValue<Activation>>(
      {{"relu", Activation::kRelu}, {"gelu", Activation::kGelu}, {"swiglu", Activation::kSwiglu}});
}
constexpr auto NamesOf(TiedEmbeddings) {
  return std::to_array<NamedValue<TiedEmbeddings>>({{"none", TiedEmbeddings::kNone},
                                                    {"decoder", TiedEmbeddings::kDecoder},
                                                    {"all", TiedEmbeddings::kAll}});
}
constexpr auto NamesOf(OptimizerType) {
  return std::to_array<NamedValue<OptimizerType>>(
      {{"adam", OptimizerType::kAdam}, {"adamw", OptimizerType::kAdamW}});
}
constexpr auto NamesOf(LearningRateSchedule) {
  return std::to_array<NamedValue<LearningRateSchedule>>(
      {{"inverse_sqrt", LearningRateSchedule::kInverseSqrt},
       {"cosine", LearningRateSchedule::kCosine},
       {"linear", LearningRateSchedule::kLinear},
       {"constant", LearningRateSchedule::kConstant}});
}
constexpr auto NamesOf(Precision) {
  return std::to_array<NamedValue<Precision>>(
      {{"fp32", Precision::kFp32}, {"bf16", Precision::kBf16}, {"auto", Precision::kAuto}});
}
constexpr auto NamesOf(ValidationMetric) {
  return std::to_array<NamedValue<ValidationMetric>>({{"loss", ValidationMetric::kLoss},
                                                      {"perplexity", ValidationMetric::kPerplexity},
                                                      {"bleu", ValidationMetric::kBleu},
                                                      {"chrf", ValidationMetric::kChrf}});
}
constexpr auto NamesOf(SentenceSplitting) {
  return std::to_array<NamedValue<SentenceSplitting>>({{"auto", SentenceSplitting::kAuto},
                                                       {"always", SentenceSplitting::kAlways},
                                                       {"never", SentenceSplitting::kNever}});
}
constexpr auto NamesOf(EvaluationTokenizer) {
  return std::to_array<NamedValue<EvaluationTokenizer>>({{"auto", EvaluationTokenizer::kAuto},
                                                         {"13a", EvaluationTokenizer::k13a},
                                                         {"intl", EvaluationTokenizer::kIntl},
                                                         {"zh", EvaluationTokenizer::kZh},
                                                         {"char", EvaluationTokenizer::kChar},
                                                         {"none", EvaluationTokenizer::kNone}});
}

/// The config's word for `value`, for example "inverse_sqrt".
template <typename Enum>
constexpr std::string_view NameOf(Enum value) {
  for (const auto& [name, candidate] : NamesOf(Enum{})) {
    if (candidate == value) return name;
  }
  return "";
}

template <typename Visitor>
void VisitFields(Visitor& v, ParallelFiles& c) {
  v.Field("source", c.source,
          MayChange("Source-language text files, one sentence a line; a path or a list."));
  v.Field("target", c.target, MayChange("Target-language text files, as many as source files."));
  v.Field(
      "tsv", c.tsv,
      MayChange(
          "Instead of both: files with source, tab and target on each line; further columns are "
          "left out."));
  v.Field("tsv_columns", c.tsv_columns,
          MayChange("Which columns of the tsv files are source and target, counted from 1."));
}

template <typename Visitor>
void VisitFields(Visitor& v, DataConfig& c) {
  v.Section("train", c.train, "The parallel text to learn from. The only key without a default.");
  v.Section("valid", c.valid, "Held-out text for validation during training.");
  v.Section("test", c.test, "Held-out text that `wavemt evaluate` uses unless told otherwise.");
  v.Field(
      "source_language", c.source_language,
      FixedForTranslationScores(
          "Language code, for example \"en\", by whose rules sentences end (in Greek, a semicolon "
          "is a question mark); empty: the source file's extension."));
  v.Field("target_language", c.target_language,
          FixedForBleu("Language code, for example \"zh\"; empty: the target file's extension."));
  v.Field("max_length", c.max_length, AtLeast(1),
          "Longest training sentence in tokens, end of sentence not counted; longer pairs are "
          "skipped and counted.");
  v.Field("cache_dir", c.cache_dir,
          MayChange(
              "Folder for the token ids of large corpora, shared by runs; empty: cache, beside the "
              "run."));
}

template <typename Visitor>
void VisitFields(Visitor& v, TokenizerConfig& c) {
  v.Field("model", c.model,
          "A SentencePiece model for both sides; empty: one is trained from data.train.");
  v.Field("source_model", c.source_model,
          "A SentencePiece model for the source side alone (with target_model and shared false).");
  v.Field("target_model", c.target_model, "A SentencePiece model for the target side alone.");
  v.Field("shared", c.shared, "One vocabulary for both sides, or one a side.");
  v.Field("type", c.type, "SentencePiece's algorithm.");
  v.Field("vocab_size", c.vocab_size, AtLeast(8), "Pieces of each trained vocabulary.");
  v.Field("character_coverage", c.character_coverage, Between(0.9, 1.0),
          "Share of the characters of the corpus that get a piece of their own.");
  v.Field("byte_fallback", c.byte_fallback,
          "Spell characters without a piece as UTF-8 bytes (256 more pieces) instead of <unk>.");
  v.Field("normalization", c.normalization,
          "Unicode normalization of the text. identity keeps full-width punctuation, which Chinese "
          "and Japanese output needs.");
  v.Field("normalize_whitespace", c.normalize_whitespace,
          "Read every kind of white space as one space, and leave out what nobody sees (zero-width "
          "spaces, soft hyphens, control characters), in training as in translation.");
  v.Field("training_sentences", c.training_sentences, AtLeast(1),
          "Most sentences that a vocabulary is trained on, sampled from larger corpora.");
}

template <typename Visitor>
void VisitFields(Visitor& v, PositionEncodingConfig& c) {
  v.Field("type", c.type, "How positions enter the model.");
  v.Field("max_length", c.max_length, Between(2, 1048576),
          "Positions of the encoding: the longest sentence that the model can hold, in tokens.");
}

template <typename Visitor>
void VisitFields(Visitor& v, ModelConfig& c) {
  v.Field("d_model", c.d_model, Between(1, 65536), "Width of embeddings and layers.");
  v.Field("num_heads", c.num_heads, Between(1, 1024), "Attention heads; divides d_model.");
  v.Field("ffn_dim", c.ffn_dim, Between(1, 1048576), "Inner width of the feed-forward layers.");
  v.Field("num_encoder_layers", c.num_encoder_layers, Between(1, 1000), "Encoder layers.");
  v.Field("num_decoder_layers", c.num_decoder_layers, Between(1, 1000), "Decoder layers.");
  v.Field("layer_norm", c.layer_norm,
          "Layer normalization before each sub-layer (pre, trains more steadily) or after the "
          "residual sum (post, as in Vaswani et al. 2017).");
  v.Field("activation", c.activation,
          "Feed-forward activation; swiglu (Shazeer 2020) has a third weight matrix.");
  v.Field("dropout", c.dropout, FromToBelow(0, 1),
          "Dropout of embeddings and of each sub-layer's output.");
  v.Field("attention_dropout", c.attention_dropout, FromToBelow(0, 1),
          "Dropout of attention weights.");
  v.Field("activation_dropout", c.activation_dropout, FromToBelow(0, 1),
          "Dropout inside the feed-forward layers, after the activation.");
  v.Field("tied_embeddings", c.tied_embeddings,
          "Which weights are one: none, the target embedding and the output projection (decoder), "
          "or these and the source embedding (all, needs a shared vocabulary).");
  v.Section("position_encoding", c.position_encoding, "How the model knows the order of words.");
}

template <typename Visitor>
void VisitFields(Visitor& v, OptimizerConfig& c) {
  v.Field(
      "type", c.type,
      "adamw decays weights apart from the gradient (Loshchilov and Hutter 2019), adam adds the "
      "decay to the gradient.");
  v.Field("beta1", c.beta1, FromToBelow(0, 1), MayChange("Decay of the mean of gradients."));
  v.Field("beta2", c.beta2, FromToBelow(0, 1),
          MayChange("Decay of the mean of squared gradients."));
  v.Field("epsilon", c.epsilon, Above(0), MayChange("Added to the denominator."));
  v.Field("weight_decay", c.weight_decay, AtLeast(0),
          MayChange("Strength of weight decay; biases and layer normalization are never decayed."));
}

template <typename Visitor>
void VisitFields(Visitor& v, TrainingConfig& c) {
  v.Field("max_steps", c.max_steps, AtLeast(1),
          MayChange("Updates of the weights after which to stop."));
  v.Field("max_epochs", c.max_epochs, AtLeast(0),
          MayChange("Passes over the corpus after which to stop; 0: no limit."));
  v.Field("batch_tokens", c.batch_tokens, AtLeast(1),
          "Target tokens a batch, padding included; the source side may hold twice as many.");
  v.Field("gradient_accumulation", c.gradient_accumulation, AtLeast(1),
          "Batches whose gradients are summed for one update.");
  v.Field(
      "label_smoothing", c.label_smoothing, FromToBelow(0, 1),
      MayChange("Probability that is spread evenly over the vocabulary (Szegedy et al. 2016)."));
  v.Section("optimizer", c.optimizer, "Kingma and Ba 2015.");
  v.Field("learning_rate", c.learning_rate, Above(0),
          MayChange("The highest, reached after warm-up."));
  v.Field(
      "schedule", c.schedule,
      MayChange(
          "After warm-up: inverse_sqrt falls with the root of the step (Vaswani et al. 2017); "
          "cosine and linear reach min_learning_rate one step after max_steps, so that the last "
          "step still learns; constant stays."));
  v.Field("warmup_steps", c.warmup_steps, AtLeast(0),
          MayChange("Steps over which the learning rate rises linearly from 0."));
  v.Field("min_learning_rate", c.min_learning_rate, AtLeast(0),
          MayChange("The learning rate falls no lower."));
  v.Field(
      "clip_norm", c.clip_norm, AtLeast(0),
      MayChange("Largest norm of the whole gradient, larger ones are scaled down; 0: no limit."));
  v.Field(
      "ema_decay", c.ema_decay, FromToBelow(0, 1),
      MayChange(
          "Decay of the exponential moving average of the weights, which is then what validation "
          "and translation use; 0: off."));
  v.Field(
      "precision", c.precision,
      MayChange(
          "Arithmetic of forward and backward passes; weights and optimizer are always fp32. auto: "
          "bf16 where the processor or GPU multiplies it faster."));
  v.Field("log_every", c.log_every, AtLeast(1), MayChange("Steps between lines of metrics.jsonl."));
  v.Field("validate_every", c.validate_every, AtLeast(0),
          MayChange("Steps between validations; 0: never."));
  v.Field("save_every", c.save_every, AtLeast(1),
          MayChange("Steps between checkpoints; the last step always writes one."));
  v.Field("keep_last", c.keep_last, AtLeast(1),
          MayChange("Newest checkpoints to keep; the best one is kept besides."));
  v.Field("validation_beam_size", c.validation_beam_size, Between(1, 1024),
          FixedForTranslationScores(
              "Beam size of the translations that validation scores; 1 is greedy and fast."));
  v.Field("best_metric", c.best_metric,
          "What makes a checkpoint the best, and what patience watches; where it is equal, the "
          "lower loss decides.");
  v.Field("patience", c.patience, AtLeast(0),
          MayChange("Stop after this many validations in a row without a new best; 0: never."));
  v.Field(
      "max_skipped_steps", c.max_skipped_steps, AtLeast(1),
      MayChange(
          "Stop after this many steps in a row whose loss or gradient is not finite; such a step "
          "changes no weight."));
}

template <typename Visitor>
void VisitFields(Visitor& v, DecodingConfig& c) {
  v.Field("beam_size", c.beam_size, Between(1, 1024),
          MayChange("Hypotheses kept at each step; 1: greedy."));
  v.Field(
      "length_penalty", c.length_penalty, Between(-10, 10),
      FixedForTranslationScores(
          "Exponent alpha of GNMT's length normalization ((5 + length) / 6)^alpha (Wu et al. 2016, "
          "equation 14); 0: none, larger: longer output."));
  v.Field("n_best", c.n_best, AtLeast(1), MayChange("Translations a sentence; at most beam_size."));
  v.Field("max_output_length", c.max_output_length, AtLeast(1),
          FixedForTranslationScores("Longest translation in tokens."));
  v.Field(
      "split_sentences", c.split_sentences,
      FixedForTranslationScores(
          "Whether the sentences of a line are translated one by one. auto: where a line holds "
          "several sentences and under 5% of the training lines did, and where it is longer than "
          "any of these; never: only where the model's positions do not suffice."));
  v.Field("batch_tokens", c.batch_tokens, AtLeast(1),
          MayChange("Source tokens translated together, padding included."));
}

template <typename Visitor>
void VisitFields(Visitor& v, EvaluationConfig& c) {
  v.Field(
      "tokenize", c.tokenize,
      FixedForBleu(
          "BLEU's tokenizer, as sacreBLEU names them; auto: zh for a Chinese target, else 13a."));
}

template <typename Visitor>
void VisitFields(Visitor& v, Config& c) {
  v.Field("seed", c.seed, AtLeast(0), "Decides every random choice of the run.");
  v.Field("run_dir", c.run_dir,
          "Folder that the run is written to, relative to the current folder; empty: runs/ and the "
          "config's name.");
  v.Section("data", c.data, "The corpus.");
  v.Section("tokenizer", c.tokenizer, "SentencePiece.");
  v.Section("model", c.model, "The Transformer.");
  v.Section("training", c.training, "How the weights are learned.");
  v.Section("decoding", c.decoding, "How translations are searched.");
  v.Section("evaluation", c.evaluation, "How translations are scored.");
}

}  // namespace wavemt
