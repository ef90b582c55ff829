#include "interchange/hugging_face_config.h"

#include <algorithm>
#include <string_view>

#include "config/config_fields.h"
#include "support/error.h"
#include "support/files.h"
#include "support/json.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// An object in a file, whose missing keys have the default values of transformers.
class SettingsReader {
 public:
  explicit SettingsReader(const fs::path& file) : origin_(file.string()), json_(ReadJson(file)) {
    if (!json_.is_object()) {
      throw UsageError("{}: must be an object {{...}}, not {}", origin_, QuoteJson(json_));
    }
  }

  const std::string& origin() const { return origin_; }

  // A key that is null is missing.
  bool Has(const char* key) const { return json_.contains(key) && !json_[key].is_null(); }

  int64_t Count(const char* key, int64_t maximum) const {
    if (!Has(key)) throw UsageError("{}: {} is missing", origin_, key);
    const Json& value = json_[key];
    const bool fits =
        value.is_number_integer() && (value.is_number_unsigned() || value >= 0) && value <= maximum;
    if (!fits) {
      throw UsageError("{}: {}: {} is not a whole number from 0 to {}", origin_, key,
                       QuoteJson(value), maximum);
    }
    return value.get<int64_t>();
  }
  int64_t Count(const char* key, int64_t maximum, int64_t missing) const {
    return Has(key) ? Count(key, maximum) : missing;
  }

  bool Flag(const char* key, bool missing) const {
    if (!Has(key)) return missing;
    if (!json_[key].is_boolean()) {
      throw UsageError("{}: {}: {} is not true or false", origin_, key, QuoteJson(json_[key]));
    }
    return json_[key].get<bool>();
  }

  double Number(const char* key, double missing) const {
    if (!Has(key)) return missing;
    if (!json_[key].is_number()) {
      throw UsageError("{}: {}: {} is not a number", origin_, key, QuoteJson(json_[key]));
    }
    return json_[key].get<double>();
  }

  std::string Text(const char* key, const std::string& missing) const {
    if (!Has(key)) return missing;
    if (!json_[key].is_string()) {
      throw UsageError("{}: {}: {} is not a text in quotes", origin_, key, QuoteJson(json_[key]));
    }
    return json_[key].get<std::string>();
  }

  void RequireFlag(const char* key, bool missing, bool wanted) const {
    if (Flag(key, missing) != wanted) {
      throw UsageError("{}: {}: only models with {} can be imported", origin_, key, wanted);
    }
  }

  // Two keys of theirs that are one of ours.
  int64_t SameCount(const char* key, const char* other, int64_t maximum) const {
    const int64_t count = Count(key, maximum);
    if (Count(other, maximum) != count) {
      throw UsageError("{}: {}: {} differs from {} = {}, which wavemt's model cannot", origin_,
                       other, Count(other, maximum), key, count);
    }
    return count;
  }

 private:
  std::string origin_;
  Json json_;
};

constexpr int64_t kLargestWidth = 65536;
constexpr int64_t kLargestVocabulary = 1 << 24;

Activation ActivationOf(const SettingsReader& settings) {
  const std::string name = settings.Text("activation_function", "gelu");
  if (name == "swish" || name == "silu") return Activation::kSwish;
  if (name == "relu") return Activation::kRelu;
  if (name == "gelu") return Activation::kGelu;
  throw UsageError("{}: activation_function: {} is none of swish, silu, relu and gelu",
                   settings.origin(), QuoteJson(name));
}

TiedEmbeddings TiedOf(const SettingsReader& settings) {
  const bool ties = settings.Flag("tie_word_embeddings", true);
  if (!settings.Flag("share_encoder_decoder_embeddings", true)) {
    return ties ? TiedEmbeddings::kDecoder : TiedEmbeddings::kNone;
  }
  if (ties) return TiedEmbeddings::kAll;
  throw UsageError(
      "{}: tie_word_embeddings: false with share_encoder_decoder_embeddings = true is no choice of "
      "model.tied_embeddings",
      settings.origin());
}

ModelConfig ModelOf(const SettingsReader& settings) {
  constexpr int64_t kMostLayers = 1000;
  ModelConfig model;
  model.d_model = settings.Count("d_model", kLargestWidth);
  model.num_heads = settings.SameCount("encoder_attention_heads", "decoder_attention_heads", 1024);
  model.ffn_dim = settings.SameCount("encoder_ffn_dim", "decoder_ffn_dim", 1 << 20);
  model.num_encoder_layers = settings.Count("encoder_layers", kMostLayers);
  model.num_decoder_layers = settings.Count("decoder_layers", kMostLayers);
  if (std::min({model.d_model, model.num_heads, model.ffn_dim, model.num_encoder_layers,
                model.num_decoder_layers}) == 0 ||
      model.d_model % model.num_heads != 0) {
    throw UsageError(
        "{}: its sizes are of no model: encoder_attention_heads must divide d_model, and neither "
        "these nor layers and encoder_ffn_dim may be 0",
        settings.origin());
  }
  model.layer_norm = LayerNormPlacement::kPost;
  model.activation = ActivationOf(settings);
  model.dropout = settings.Number("dropout", 0.1);
  model.attention_dropout = settings.Number("attention_dropout", 0);
  model.activation_dropout = settings.Number("activation_dropout", 0);
  model.tied_embeddings = TiedOf(settings);
  model.position_encoding.max_length =
      settings.Count("max_position_embeddings", kLargestWidth, 1024);
  return model;
}

// What no MarianMTModel of transformers does, though some configs say it.
void RequireMarian(const SettingsReader& settings) {
  const std::string type = settings.Text("model_type", "");
  if (type != "marian") {
    throw UsageError(
        "{}: model_type: {} is another architecture; only a MarianMTModel, \"marian\", can be "
        "imported",
        settings.origin(), QuoteJson(type));
  }
  settings.RequireFlag("scale_embedding", false, true);
  settings.RequireFlag("static_position_embeddings", true, true);
  settings.RequireFlag("normalize_before", false, false);
  settings.RequireFlag("normalize_embedding", false, false);
  settings.RequireFlag("add_final_layer_norm", false, false);
}

// Newer folders have the settings of the search in a file of their own.
DecodingConfig DecodingOf(const SettingsReader& settings) {
  DecodingConfig decoding;
  decoding.beam_size = std::max<int64_t>(settings.Count("num_beams", 1024, decoding.beam_size), 1);
  // Theirs counts the tokens that begin and end a translation.
  const int64_t length = settings.Count("max_length", 1 << 20, decoding.max_output_length + 2);
  decoding.max_output_length = std::max<int64_t>(length - 2, 1);
  decoding.length_penalty = settings.Number("length_penalty", decoding.length_penalty);
  return decoding;
}

}  // namespace

MarianDescription ReadMarianDescription(const fs::path& folder) {
  const SettingsReader settings(folder / "config.json");
  RequireMarian(settings);
  MarianDescription description;
  Config& config = description.config;
  config.model = ModelOf(settings);
  const fs::path generation = folder / "generation_config.json";
  config.decoding = DecodingOf(Exists(generation) ? SettingsReader(generation) : settings);
  if (const fs::path tokenizer = folder / "tokenizer_config.json"; Exists(tokenizer)) {
    const SettingsReader of_tokenizer(tokenizer);
    config.data.source_language = of_tokenizer.Text("source_lang", "");
    config.data.target_language = of_tokenizer.Text("target_lang", "");
    description.has_two_vocabularies = of_tokenizer.Flag("separate_vocabs", false);
  }
  description.vocabulary.source = settings.Count("vocab_size", kLargestVocabulary);
  description.vocabulary.target =
      settings.Count("decoder_vocab_size", kLargestVocabulary, description.vocabulary.source);
  description.ids.pad = settings.Count("pad_token_id", kLargestVocabulary);
  description.ids.eos = settings.Count("eos_token_id", kLargestVocabulary, 0);
  description.ids.decoder_start =
      settings.Count("decoder_start_token_id", kLargestVocabulary, description.ids.pad);
  return description;
}

}  // namespace wavemt
