#pragma once

#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "config/config.h"

/// Lists every config key with its name, range and description. The code that reads, writes and
/// overrides configs, and the JSON Schema, are visitors of these lists. A visitor has
///   void Field(std::string_view name, T& value, const KeyDoc& doc);
///   void Field(std::string_view name, T& value, Range range, const KeyDoc& doc);   // numbers
///   void Section(std::string_view name, T& section, std::string_view doc);
///   void SectionOrList(std::string_view name, Sets& sets, std::string_view doc);
/// Of the last one, `sets.unnamed` is a section, and `sets.named` a list of sections that the
/// config may give in its place.
/// To add a key, add a member with its default to config.h, a line here, and the code that uses it.
namespace wavemt {

/// The allowed values of a number.
struct Range {
  double minimum = std::numeric_limits<double>::lowest();
  double maximum = std::numeric_limits<double>::max();
  bool minimum_excluded = false;
  bool maximum_excluded = false;
  /// If above 0: of the numbers below it, only 0 is allowed. The reader leaves those between to
  /// ValidateConfig(), whose messages say why.
  double minimum_beside_zero = 0;
};

constexpr Range AtLeast(double minimum) { return {.minimum = minimum}; }
constexpr Range Above(double minimum) { return {.minimum = minimum, .minimum_excluded = true}; }
constexpr Range Between(double minimum, double maximum) {
  return {.minimum = minimum, .maximum = maximum};
}
/// 0, or a number from `minimum` to `maximum`.
constexpr Range ZeroOrBetween(double minimum, double maximum) {
  return {.minimum = 0, .maximum = maximum, .minimum_beside_zero = minimum};
}
/// minimum <= value < maximum
constexpr Range FromToBelow(double minimum, double maximum) {
  return {.minimum = minimum, .maximum = maximum, .maximum_excluded = true};
}

/// Whether `wavemt resume --set` may change a key in the middle of a run.
enum class OnResume {
  kFixed,  // Determines the saved data position, the vocabulary or the weights.
  kMayChange,
  kFixedForTranslationScores,  // Fixed if a score of translations selects the best checkpoint.
  kFixedForBleu,               // Fixed if BLEU does.
};

/// A key's description and whether resume may change it. A plain string converts to a KeyDoc that
/// is fixed, so keys that may change must say so.
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

// The config's names for the values of an enum, in documentation order. The argument's type selects
// the enum.
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
      {{"sinusoidal", PositionEncodingType::kSinusoidal},
       {"learned", PositionEncodingType::kLearned},
       {"article", PositionEncodingType::kArticle},
       {"article_fixed", PositionEncodingType::kArticleFixed},
       {"rotary", PositionEncodingType::kRotary},
       {"alibi", PositionEncodingType::kAlibi},
       {"relative", PositionEncodingType::kRelative},
       {"t5", PositionEncodingType::kT5},
       {"none", PositionEncodingType::kNone}});
}
constexpr auto NamesOf(AlibiSlopes) {
  return std::to_array<NamedValue<AlibiSlopes>>(
      {{"fixed", AlibiSlopes::kFixed}, {"trained", AlibiSlopes::kTrained}});
}
constexpr auto NamesOf(LayerNormPlacement) {
  return std::to_array<NamedValue<LayerNormPlacement>>(
      {{"pre", LayerNormPlacement::kPre}, {"post", LayerNormPlacement::kPost}});
}
constexpr auto NamesOf(Activation) {
  return std::to_array<NamedValue<Activation>>({{"relu", Activation::kRelu},
                                                {"gelu", Activation::kGelu},
                                                {"swish", Activation::kSwish},
                                                {"swiglu", Activation::kSwiglu}});
}
constexpr auto NamesOf(TiedEmbeddings) {
  return std::to_array<NamedValue<TiedEmbeddings>>({{"none", TiedEmbeddings::kNone},
                                                    {"decoder", TiedEmbeddings::kDecoder},
                                                    {"all", TiedEmbeddings::kAll}});
}
constexpr auto NamesOf(AdapterType) {
  return std::to_array<NamedValue<AdapterType>>({{"none", AdapterType::kNone},
                                                 {"lora", AdapterType::kLora},
                                                 {"prefix", AdapterType::kPrefix}});
}
constexpr auto NamesOf(LoraProjection) {
  return std::to_array<NamedValue<LoraProjection>>(
      {{"q_proj", LoraProjection::kQuery},
       {"k_proj", LoraProjection::kKey},
       {"v_proj", LoraProjection::kValue},
       {"out_proj", LoraProjection::kOutput},
       {"feed_forward", LoraProjection::kFeedForward}});
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
constexpr auto NamesOf(AllReducePrecision) {
  return std::to_array<NamedValue<AllReducePrecision>>(
      {{"fp32", AllReducePrecision::kFp32}, {"bf16", AllReducePrecision::kBf16}});
}
constexpr auto NamesOf(ValidationMetric) {
  return std::to_array<NamedValue<ValidationMetric>>({{"loss", ValidationMetric::kLoss},
                                                      {"perplexity", ValidationMetric::kPerplexity},
                                                      {"bleu", ValidationMetric::kBleu},
                                                      {"chrf", ValidationMetric::kChrf},
                                                      {"accuracy", ValidationMetric::kAccuracy}});
}
constexpr auto NamesOf(DecodingPrecision) {
  return std::to_array<NamedValue<DecodingPrecision>>({{"fp32", DecodingPrecision::kFp32},
                                                       {"bf16", DecodingPrecision::kBf16},
                                                       {"int8", DecodingPrecision::kInt8},
                                                       {"auto", DecodingPrecision::kAuto}});
}
constexpr auto NamesOf(EnsembleMean) {
  return std::to_array<NamedValue<EnsembleMean>>(
      {{"probabilities", EnsembleMean::kProbabilities},
       {"log_probabilities", EnsembleMean::kLogProbabilities}});
}
constexpr auto NamesOf(MbrMetric) {
  return std::to_array<NamedValue<MbrMetric>>(
      {{"chrf", MbrMetric::kChrf}, {"bleu", MbrMetric::kBleu}});
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

/// The config's name for `value`, for example "inverse_sqrt".
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
          MayChange(
              "Source-language text files with one sentence per line: a path or a list of paths."));
  v.Field("target", c.target, MayChange("Target-language text files, one for each source file."));
  v.Field(
      "tsv", c.tsv,
      MayChange(
          "Instead of source and target: files whose lines hold both, separated by a tab; other "
          "columns are ignored."));
  v.Field("tsv_columns", c.tsv_columns,
          MayChange("The columns of the tsv files that hold source and target, counted from 1."));
}

template <typename Visitor>
void VisitFields(Visitor& v, PairFilter& c) {
  v.Field("max_words", c.max_words, AtLeast(0),
          "Pairs with a side of more words are left out; 1 letter of Han, 2 of kana and 4 of Thai, "
          "Lao, Khmer and Burmese count as a word. 0: no limit.");
  v.Field("max_length_ratio", c.max_length_ratio,
          ZeroOrBetween(1, std::numeric_limits<double>::max()),
          "Pairs are left out if one side has more than this many times the words of the other, "
          "plus 3. 0: no limit.");
  v.Field("min_script_share", c.min_script_share, Between(0, 1),
          "Pairs are left out if a smaller share of a side's letters belongs to the script of its "
          "language.");
  v.Field("remove_copies", c.remove_copies,
          "Leave out pairs whose two sides are the same, apart from case and white space.");
  v.Field("remove_bad_encoding", c.remove_bad_encoding,
          "Leave out pairs with the traces of a wrong encoding: U+FFFD, control characters, UTF-8 "
          "that was taken for Latin-1 (Ã¤ for ä).");
  v.Field("remove_different_numbers", c.remove_different_numbers,
          "Leave out pairs in which a number of two or more digits is on one side only.");
  v.Field("remove_duplicates", c.remove_duplicates,
          "Leave out pairs that the corpus has had before, on both sides.");
}

template <typename Visitor>
void VisitFields(Visitor& v, TrainingCorpus& c) {
  VisitFields(v, c.files);
  v.Field("weights", c.weights,
          MayChange("Text files with a number of at least 0 on each line, the weight of that pair "
                    "in the loss; a file for each source or tsv file. They are divided by their "
                    "mean."));
  v.Field("weight", c.weight, AtLeast(0),
          "In a list of corpora: how often pairs of this one are drawn, compared with the weights "
          "of the others. 0: all are drawn by data.temperature.");
  v.Field("source_prefix", c.source_prefix,
          "Tags before each source sentence, separated by spaces, such as <2de>. They should be "
          "among tokenizer.user_defined_symbols.");
  v.Section("filter", c.filter,
            "Which pairs are left out; `wavemt corpus filter` has these rules.");
}

template <typename Visitor>
void VisitFields(Visitor& v, HeldOutCorpus& c) {
  VisitFields(v, c.files);
  v.Field("source_prefix", c.source_prefix,
          MayChange("Tags before each source sentence; empty: decoding.source_prefix."));
}

template <typename Visitor, typename Corpus>
void VisitFields(Visitor& v, Named<Corpus>& c) {
  v.Field("name", c.name,
          MayChange("What a corpus of a list is called in logs: ASCII letters, digits, - and _."));
  VisitFields(v, c.corpus);
}

template <typename Visitor>
void VisitFields(Visitor& v, DataConfig& c) {
  v.SectionOrList("train", c.train,
                  "The parallel text to train on, one corpus or a list of named ones. The only "
                  "required section.");
  v.Field("temperature", c.temperature, AtLeast(1),
          "For a list of corpora without weights: pairs of a corpus are drawn in proportion to "
          "size^(1 / temperature) (Arivazhagan et al. 2019). 1: each pair as often as any other; "
          "larger values favour small corpora.");
  v.SectionOrList(
      "valid", c.valid,
      "Held-out text for validation during training. In a list of named sets, the first "
      "one selects the best checkpoint.");
  v.SectionOrList("test", c.test,
                  "Held-out text that `wavemt evaluate` uses by default. The sets of a list are "
                  "scored by validations too.");
  v.Field(
      "source_language", c.source_language,
      FixedForTranslationScores(
          "Language code, for example \"en\"; it selects the rules for the ends of sentences (in "
          "Greek, a semicolon is a question mark). Empty: the source file's extension."));
  v.Field("target_language", c.target_language,
          FixedForBleu("Language code, for example \"zh\"; empty: the target file's extension."));
  v.Field("max_length", c.max_length, AtLeast(1),
          "Longest training sentence in tokens, without the end of sentence; pairs with a longer "
          "side are skipped and counted.");
  v.Field(
      "cache_dir", c.cache_dir,
      MayChange(
          "Folder for the token ids of large corpora, which runs can share; empty: a folder named "
          "cache next to the run's folder."));
}

template <typename Visitor>
void VisitFields(Visitor& v, SubwordSamplingConfig& c) {
  v.Field("alpha", c.alpha, Between(0, 1),
          "Segment the training text at random, differently in each pass; validations and "
          "translations use the best segmentation. For a bpe vocabulary, the probability that a "
          "merge is left out (BPE-dropout, Provilkov et al. 2020; 0.1 is common). For a unigram "
          "vocabulary, the exponent of the probabilities from which a segmentation is drawn (Kudo "
          "2018; 0.2 to 0.5 are common), where smaller numbers mean more variety, and those "
          "below 0.2 a great deal. 0: off.");
  v.Field("nbest", c.nbest, ZeroOrBetween(2, 512),
          "For a unigram vocabulary: sample from this many of the likeliest segmentations, at "
          "least 2; 0: from all.");
}

template <typename Visitor>
void VisitFields(Visitor& v, TokenizerConfig& c) {
  v.Field("model", c.model,
          "A SentencePiece model for both sides; empty: one is trained on data.train.");
  v.Field("source_model", c.source_model,
          "A SentencePiece model for the source side only (requires target_model, and shared to be "
          "false).");
  v.Field("target_model", c.target_model, "A SentencePiece model for the target side only.");
  v.Field("vocabulary", c.vocabulary,
          "A JSON object of pieces and ids, which take the place of the ids of the SentencePiece "
          "models, for both sides; imported models have one. <pad> begins a translation.");
  v.Field("shared", c.shared, "true: one vocabulary for both sides; false: one for each side.");
  v.Field("type", c.type, "The algorithm that SentencePiece trains the vocabulary with.");
  v.Field("vocab_size", c.vocab_size, AtLeast(8), "Number of pieces in each trained vocabulary.");
  v.Field("character_coverage", c.character_coverage, Between(0.9, 1.0),
          "Share of the corpus's characters that get a piece of their own.");
  v.Field("byte_fallback", c.byte_fallback,
          "Spell characters without a piece as UTF-8 bytes (256 more pieces) instead of <unk>.");
  v.Field("normalization", c.normalization,
          "Unicode normalization of the text. identity keeps full-width punctuation, which Chinese "
          "and Japanese output needs.");
  v.Field(
      "user_defined_symbols", c.user_defined_symbols,
      "Pieces of a trained vocabulary that are never cut or joined with others, such as the tags "
      "of source_prefix.");
  v.Field(
      "normalize_whitespace", c.normalize_whitespace,
      "Replace every run of white space by one space and remove invisible characters (zero-width "
      "spaces, soft hyphens, control characters), both in training and in translation.");
  v.Field("training_sentences", c.training_sentences, AtLeast(1),
          "Maximum number of sentences to train a vocabulary on, sampled from larger corpora.");
  v.Section("sampling", c.sampling, "Subword sampling.");
}

template <typename Visitor>
void VisitFields(Visitor& v, PositionEncodingConfig& c) {
  v.Field("type", c.type,
          "How the model knows where a token stands; configs/README.md compares the encodings.");
  v.Field(
      "max_length", c.max_length, Between(2, 1048576),
      "Number of positions; data.max_length, the end of the sentence and random_shift must fit. A "
      "trained model can be given more of them, except with learned and article.");
  v.Field("random_shift", c.random_shift, Between(0, 1048576),
          "In training, each sentence starts at a random position from 0 up to this one (SHAPE, "
          "Kiyono et al. 2021); for sinusoidal, learned, article and article_fixed.");
  v.Field("rotary_base", c.rotary_base, Above(1),
          "rotary: the base of its wave lengths; larger values suit longer text.");
  v.Field("alibi_slopes", c.alibi_slopes,
          "alibi: whether the heads keep the paper's slopes or train them.");
  v.Field("relative_clip_distance", c.relative_clip_distance, Between(1, 65536),
          "relative: tokens that are further apart count as this far apart.");
  v.Field(
      "t5_num_buckets", c.t5_num_buckets, Between(4, 65536),
      "t5: number of ranges of distance that have a bias of their own; the encoder uses half of "
      "them for each direction. Even.");
  v.Field("t5_max_distance", c.t5_max_distance, Between(3, 1048576),
          "t5: from this distance on at the latest, all distances share one bias.");
}

template <typename Visitor>
void VisitFields(Visitor& v, ModelConfig& c) {
  v.Field("d_model", c.d_model, Between(1, 65536), "Width of embeddings and layers.");
  v.Field("num_heads", c.num_heads, Between(1, 1024),
          "Number of attention heads; must divide d_model.");
  v.Field("ffn_dim", c.ffn_dim, Between(1, 1048576), "Inner width of the feed-forward layers.");
  v.Field("num_encoder_layers", c.num_encoder_layers, Between(1, 1000),
          "Number of encoder layers.");
  v.Field("num_decoder_layers", c.num_decoder_layers, Between(1, 1000),
          "Number of decoder layers.");
  v.Field("layer_norm", c.layer_norm,
          "Position of layer normalization: before each sub-layer (pre, which trains more stably) "
          "or after the residual sum (post, as in Vaswani et al. 2017).");
  v.Field(
      "activation", c.activation,
      "Feed-forward activation; swish is x sigmoid(x); swiglu (Shazeer 2020) needs a third weight "
      "matrix.");
  v.Field("dropout", c.dropout, FromToBelow(0, 1),
          "Dropout of embeddings and of each sub-layer's output.");
  v.Field("attention_dropout", c.attention_dropout, FromToBelow(0, 1),
          "Dropout of attention weights.");
  v.Field("activation_dropout", c.activation_dropout, FromToBelow(0, 1),
          "Dropout inside the feed-forward layers, after the activation.");
  v.Field("tied_embeddings", c.tied_embeddings,
          "Which weights are shared: none; the target embedding and the output projection "
          "(decoder); or these and the source embedding (all, which needs a shared vocabulary).");
  v.Field("output_bias", c.output_bias,
          "Whether each token of the target vocabulary has a learned number that is added to its "
          "score, as in models of Marian.");
  v.Section("position_encoding", c.position_encoding,
            "The encoding that tells the model the order of the tokens.");
}

template <typename Visitor>
void VisitFields(Visitor& v, AdapterConfig& c) {
  v.Field("type", c.type,
          "What is trained in place of the model's own weights, which `train --init-from` names: "
          "lora (Hu et al. 2021), prefix (Li and Liang 2021), or none: the model itself.");
  v.Field("lora_rank", c.lora_rank, Between(1, 65536),
          "lora: the rank of the product that is added to a weight matrix.");
  v.Field("lora_alpha", c.lora_alpha, Above(0),
          "lora: the product is multiplied by lora_alpha / lora_rank.");
  v.Field("lora_dropout", c.lora_dropout, FromToBelow(0, 1),
          "lora: dropout of what the product is applied to.");
  v.Field("lora_projections", c.lora_projections,
          "lora: which projections of attention get a product, and whether both matrices of the "
          "feed-forward layers do.");
  v.Field("prefix_length", c.prefix_length, Between(1, 65536),
          "prefix: number of trained keys and values before those of each attention layer.");
  v.Field("prefix_hidden_dim", c.prefix_hidden_dim, Between(0, 1048576),
          "prefix: inner width of the network that makes keys and values from a smaller trained "
          "matrix; 0: they are trained directly.");
}

template <typename Visitor>
void VisitFields(Visitor& v, OptimizerConfig& c) {
  v.Field("type", c.type,
          "adamw decays the weights separately from the gradient (Loshchilov and Hutter 2019); "
          "adam adds the decay to the gradient.");
  v.Field("beta1", c.beta1, FromToBelow(0, 1),
          MayChange("Decay rate of the running mean of gradients."));
  v.Field("beta2", c.beta2, FromToBelow(0, 1),
          MayChange("Decay rate of the running mean of squared gradients."));
  v.Field("epsilon", c.epsilon, Above(0), MayChange("Added to the denominator of the update."));
  v.Field(
      "weight_decay", c.weight_decay, AtLeast(0),
      MayChange(
          "Strength of weight decay; biases of layers and layer normalization are never decayed."));
}

template <typename Visitor>
void VisitFields(Visitor& v, RDropConfig& c) {
  v.Field(
      "alpha", c.alpha, AtLeast(0),
      MayChange("Each batch goes through the model twice, with different dropout, and the two "
                "predictions p and q of each token are pulled together: the loss is the mean of "
                "the two losses plus alpha / 4 * (KL(p||q) + KL(q||p)), which is half of the "
                "paper's loss for the same alpha. An update takes almost twice the time and "
                "twice the memory; the loss of validations does not include this term. 0: "
                "off."));
}

template <typename Visitor>
void VisitFields(Visitor& v, TrainingConfig& c) {
  v.Field("max_steps", c.max_steps, AtLeast(1),
          MayChange("Stop after this many updates of the weights."));
  v.Field("max_epochs", c.max_epochs, AtLeast(0),
          MayChange("Stop after this many passes over the corpus; 0: no limit."));
  v.Field("batch_tokens", c.batch_tokens, AtLeast(1),
          "Target tokens per batch, including padding; the source side may hold twice as many.");
  v.Field("gradient_accumulation", c.gradient_accumulation, AtLeast(1),
          "Batches whose gradients are summed for one update.");
  v.Field("gradient_checkpointing", c.gradient_checkpointing,
          MayChange("Keep only the input of each layer for the backward pass, which computes the "
                    "rest again (Chen et al. 2016): less memory for more time. The gradients are "
                    "the same."));
  v.Field("label_smoothing", c.label_smoothing, FromToBelow(0, 1),
          MayChange(
              "Probability mass that is spread evenly over the vocabulary (Szegedy et al. 2016)."));
  v.Section("r_drop", c.r_drop, "Regularized dropout (Liang et al. 2021).");
  v.Section("optimizer", c.optimizer, "Kingma and Ba 2015.");
  v.Field("learning_rate", c.learning_rate, Above(0),
          MayChange("The peak learning rate, reached at the end of the warm-up."));
  v.Field(
      "schedule", c.schedule,
      MayChange(
          "How the learning rate changes after the warm-up: inverse_sqrt falls with the square "
          "root of the step (Vaswani et al. 2017); cosine and linear reach min_learning_rate one "
          "step after max_steps, so that the last step still learns; constant does not change."));
  v.Field("warmup_steps", c.warmup_steps, AtLeast(0),
          MayChange("Steps over which the learning rate rises linearly from 0."));
  v.Field("min_learning_rate", c.min_learning_rate, AtLeast(0),
          MayChange("The learning rate never falls below this after the warm-up."));
  v.Field(
      "clip_norm", c.clip_norm, AtLeast(0),
      MayChange("Maximum norm of the whole gradient; larger ones are scaled down. 0: no limit."));
  v.Field(
      "ema_decay", c.ema_decay, FromToBelow(0, 1),
      MayChange("Decay rate of an exponential moving average of the weights, which validation and "
                "translation then use; 0: off. resume cannot switch it on or off."));
  v.Field(
      "precision", c.precision,
      MayChange(
          "Arithmetic of the forward and backward passes; weights and optimizer state are always "
          "fp32. auto: bf16 if the processor or GPU multiplies it faster."));
  v.Field("all_reduce_precision", c.all_reduce_precision,
          MayChange(
              "With several processes: the numbers in which they send each other their gradients. "
              "bf16 halves the bytes and rounds each gradient to 8 bits of mantissa."));
  v.Field(
      "shard_optimizer", c.shard_optimizer,
      MayChange("With several processes: each keeps the optimizer's moments of its share of the "
                "weights only (ZeRO stage 1, Rajbhandari et al. 2020). The results are the same."));
  v.Field("freeze", c.freeze,
          "Weights that stay as they are: names or patterns of names (\"encoder.*\", "
          "\"source_embedding\"); * stands for any text, and the name of a part for all weights in "
          "it.");
  v.Field(
      "anchor", c.anchor, AtLeast(0),
      "Strength that pulls each weight to where it began: anchor / 2 times the squared distance "
      "is added to the loss whose gradient is taken (Kirkpatrick et al. 2017 with the same "
      "importance for all weights), but not to the loss that is reported. 0: off.");
  v.Field("log_every", c.log_every, AtLeast(1), MayChange("Steps between lines of metrics.jsonl."));
  v.Field("tensorboard_histograms", c.tensorboard_histograms, AtLeast(0),
          MayChange("Steps between histograms of the trained weights and their gradients, after "
                    "clipping, in TensorBoard's files; 0: none."));
  v.Field("validate_every", c.validate_every, AtLeast(0),
          MayChange("Steps between validations; 0: never."));
  v.Field("save_every", c.save_every, AtLeast(1),
          MayChange("Steps between checkpoints; there is always one after the last step."));
  v.Field("keep_last", c.keep_last, AtLeast(1),
          MayChange("Number of newest checkpoints to keep; the best one is kept as well."));
  v.Field(
      "average_best", c.average_best, ZeroOrBetween(2, kMaxAverageBest),
      MayChange("Number of best checkpoints, by best_metric, to keep besides the keep_last newest "
                "ones, with optimizer state; at least 2. Every validation that ranks among them "
                "writes one, regardless of save_every. When training has ended, the mean of "
                "their weights is written as checkpoints/average. If it scores better than all "
                "of them, it becomes the run's best model. 0: off."));
  v.Field("validation_beam_size", c.validation_beam_size, Between(1, 1024),
          FixedForTranslationScores(
              "Beam size of validation's translations; 1 is greedy search, which is fast."));
  v.Field("validation_samples", c.validation_samples, Between(0, kMaxValidationSamples),
          MayChange("Translations of each validation set, always of the same sentences, that a "
                    "validation shows and appends to samples.jsonl; 0: none."));
  v.Field("best_metric", c.best_metric,
          "The metric that selects the best checkpoint and that patience watches; the lower loss "
          "breaks ties.");
  v.Field("patience", c.patience, AtLeast(0),
          MayChange("Stop after this many validations in a row without a new best; 0: never."));
  v.Field(
      "max_skipped_steps", c.max_skipped_steps, AtLeast(1),
      MayChange(
          "Stop after this many steps in a row whose loss or gradient is not finite; such steps "
          "leave the weights unchanged."));
}

template <typename Visitor>
void VisitFields(Visitor& v, DecodingConfig& c) {
  v.Field("source_prefix", c.source_prefix,
          "Tags before each sentence that is translated, such as <2de>.");
  v.Field("beam_size", c.beam_size, Between(1, 1024),
          MayChange("Hypotheses kept at each step; 1: greedy search."));
  v.Field(
      "length_penalty", c.length_penalty, Between(-10, 10),
      MayChange(
          "Exponent alpha of GNMT's length normalization ((5 + length) / 6)^alpha (Wu et al. 2016, "
          "equation 14); 0: no normalization; larger values favour longer output."));
  v.Field("coverage_penalty", c.coverage_penalty, Between(0, 100),
          FixedForTranslationScores(
              "Weight beta of GNMT's coverage penalty (Wu et al. 2016, equation 14), which ranks "
              "translations lower that leave source tokens unattended; 0: none."));
  v.Field("n_best", c.n_best, AtLeast(1),
          MayChange("Number of translations per line; at most beam_size, or with sampling the "
                    "number of draws."));
  v.Field("min_output_length", c.min_output_length, AtLeast(0),
          FixedForTranslationScores("Shortest translation of a sentence, in tokens."));
  v.Field("max_output_length", c.max_output_length, AtLeast(1),
          FixedForTranslationScores("Longest translation of a sentence, in tokens."));
  v.Field("min_output_ratio", c.min_output_ratio, Between(0, 100),
          FixedForTranslationScores(
              "The same as min_output_length, as a multiple of the source's tokens; the greater of "
              "both counts, but the longest translation comes first."));
  v.Field("max_output_ratio", c.max_output_ratio, Between(0, 100),
          FixedForTranslationScores(
              "The same as max_output_length, as a multiple of the source's tokens; the smaller of "
              "both counts. 0: three times the source's tokens and 30 more."));
  v.Field("no_repeat_ngram_size", c.no_repeat_ngram_size, AtLeast(0),
          FixedForTranslationScores(
              "No sequence of so many tokens occurs twice in a translation; 0: any may."));
  v.Field("sampling", c.sampling,
          MayChange("Draw each token from the model's distribution instead of searching for the "
                    "likeliest translation. Validations always search."));
  v.Field("temperature", c.temperature, Above(0),
          MayChange("In sampling, the model's log-probabilities are divided by this: below 1 the "
                    "likely tokens gain, above 1 the others."));
  v.Field("top_k", c.top_k, AtLeast(0),
          MayChange("In sampling, only so many of the likeliest tokens are drawn from; 0: all."));
  v.Field("top_p", c.top_p, Range{.minimum = 0, .maximum = 1, .minimum_excluded = true},
          MayChange("In sampling, only the likeliest tokens that together have this probability "
                    "are drawn from (Holtzman et al. 2020); 1: all."));
  v.Field("seed", c.seed, AtLeast(0),
          MayChange("Seed of the draws. Those of a sentence depend on it and on the sentence, not "
                    "on the other lines."));
  v.Field("mbr_samples", c.mbr_samples, Between(0, 10'000),
          MayChange("Minimum Bayes risk decoding (Eikema and Aziz 2020): draw so many translations "
                    "and choose the one that is most like the others; 0: off."));
  v.Field("mbr_metric", c.mbr_metric,
          MayChange("What likeness is measured with in minimum Bayes risk decoding."));
  v.Field("ensemble_mean", c.ensemble_mean, MayChange("What the models of an ensemble average."));
  v.Field("attention_layer", c.attention_layer, AtLeast(0),
          FixedForTranslationScores(
              "The decoder layer, from 1, whose attention to the source gives alignments and the "
              "coverage penalty; 0: the last but one, which aligns best (Garg et al. 2019)."));
  v.Field(
      "split_sentences", c.split_sentences,
      FixedForTranslationScores(
          "Whether the sentences of a line are translated one by one. auto: if under 5% of the "
          "training lines held several sentences, or if the line is longer than any training line; "
          "never: only if the line exceeds the model's positions."));
  v.Field("batch_tokens", c.batch_tokens, AtLeast(1),
          MayChange("Source tokens translated together by a thread, including padding."));
  v.Field("precision", c.precision,
          FixedForTranslationScores(
              "Arithmetic of matrix products in the search. bf16 and int8 round weights and their "
              "inputs, int8 on the CPU only; auto: the fastest on this machine, measured; in "
              "validations fp32."));
}

template <typename Visitor>
void VisitFields(Visitor& v, EvaluationConfig& c) {
  v.Field("tokenize", c.tokenize,
          FixedForBleu("BLEU's tokenizer, with sacreBLEU's names; auto: zh if the target is "
                       "Chinese, else 13a."));
}

template <typename Visitor>
void VisitFields(Visitor& v, Config& c) {
  v.Field("seed", c.seed, AtLeast(0), "Seed of every random choice of the run.");
  v.Field("run_dir", c.run_dir,
          "Folder for the run's files, relative to the current folder; empty: runs/ followed by "
          "the config's name.");
  v.Section("data", c.data, "The corpus.");
  v.Section("tokenizer", c.tokenizer, "SentencePiece.");
  v.Section("model", c.model, "The Transformer.");
  v.Section("adapter", c.adapter, "Training a small part beside a model that exists.");
  v.Section("training", c.training, "Training.");
  v.Section("decoding", c.decoding, "The search for translations.");
  v.Section("evaluation", c.evaluation, "Scoring translations.");
}

}  // namespace wavemt
