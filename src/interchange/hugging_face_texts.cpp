#include "interchange/hugging_face_texts.h"

#include <algorithm>
#include <vector>

#include "config/config_fields.h"
#include "support/json.h"

namespace wavemt {
namespace {

Json ModelJson(const ModelParts& parts) {
  const ModelConfig& model = parts.config.model;
  const SpecialTokens& special = parts.tokenizers.target->special();
  const bool is_pegasus = model.layer_norm == LayerNormPlacement::kPre;
  const bool ties_all = model.tied_embeddings == TiedEmbeddings::kAll;
  Json json = {
      {"architectures", {is_pegasus ? "PegasusForConditionalGeneration" : "MarianMTModel"}},
      {"model_type", is_pegasus ? "pegasus" : "marian"},
      {"is_encoder_decoder", true},
      {"d_model", model.d_model},
      {"encoder_layers", model.num_encoder_layers},
      {"decoder_layers", model.num_decoder_layers},
      {"num_hidden_layers", model.num_encoder_layers},
      {"encoder_attention_heads", model.num_heads},
      {"decoder_attention_heads", model.num_heads},
      {"encoder_ffn_dim", model.ffn_dim},
      {"decoder_ffn_dim", model.ffn_dim},
      {"activation_function", NameOf(model.activation)},
      {"dropout", model.dropout},
      {"attention_dropout", model.attention_dropout},
      {"activation_dropout", model.activation_dropout},
      {"max_position_embeddings", model.position_encoding.max_length},
      {"static_position_embeddings", true},
      {"scale_embedding", true},
      {"normalize_before", is_pegasus},
      {"normalize_embedding", false},
      {"add_final_layer_norm", is_pegasus},
      {"vocab_size", parts.tokenizers.source->vocab_size()},
      {"bos_token_id", special.bos},
      {"eos_token_id", special.eos},
      {"pad_token_id", special.pad},
      {"decoder_start_token_id", special.bos},
      {"forced_eos_token_id", special.eos},
      {"tie_word_embeddings",
       is_pegasus ? ties_all : model.tied_embeddings != TiedEmbeddings::kNone},
      {"torch_dtype", "float32"},
  };
  if (!is_pegasus) {
    json["decoder_vocab_size"] = parts.tokenizers.target->vocab_size();
    json["share_encoder_decoder_embeddings"] = ties_all;
  }
  return json;
}

// The search as wavemt does it, as far as transformers can.
Json GenerationJson(const ModelParts& parts) {
  const DecodingConfig& decoding = parts.config.decoding;
  const SpecialTokens& special = parts.tokenizers.target->special();
  Json never = Json::array();
  for (const int32_t token : {special.pad, special.bos, special.unk}) {
    if (token != special.eos && token >= 0) never.push_back(Json::array({token}));
  }
  const int64_t positions = parts.config.model.position_encoding.max_length;
  Json json = {
      {"bos_token_id", special.bos},
      {"eos_token_id", special.eos},
      {"pad_token_id", special.pad},
      {"decoder_start_token_id", special.bos},
      {"forced_eos_token_id", special.eos},
      // Counts <s> and </s>, which decoding.max_output_length does not.
      {"max_length", std::min(decoding.max_output_length, positions - 1) + 2},
      {"num_beams", decoding.beam_size},
      {"length_penalty", decoding.length_penalty},
      {"early_stopping", true},
  };
  if (!never.empty()) json["bad_words_ids"] = never;
  if (decoding.no_repeat_ngram_size > 0) {
    json["no_repeat_ngram_size"] = decoding.no_repeat_ngram_size;
  }
  if (decoding.min_output_length > 0) json["min_new_tokens"] = decoding.min_output_length;
  if (decoding.sampling) {
    json["do_sample"] = true;
    json["num_beams"] = 1;
    json["temperature"] = decoding.temperature;
    json["top_k"] = decoding.top_k;
    json["top_p"] = decoding.top_p;
  }
  return json;
}

Json TokenizerJson(const ModelParts& parts) {
  const Tokenizer& source = *parts.tokenizers.source;
  const SpecialTokens& special = source.special();
  Json json = {
      {"tokenizer_class", "MarianTokenizer"},
      {"unk_token", source.PieceOf(special.unk)},
      {"eos_token", source.PieceOf(special.eos)},
      {"pad_token", source.PieceOf(special.pad)},
      {"model_max_length", parts.config.model.position_encoding.max_length},
      {"separate_vocabs", !parts.tokenizers.one_vocabulary()},
      {"clean_up_tokenization_spaces", false},
  };
  if (!parts.source_language.empty()) json["source_lang"] = parts.source_language;
  if (!parts.target_language.empty()) json["target_lang"] = parts.target_language;
  return json;
}

std::string VocabularyOf(const Tokenizer& tokenizer) {
  std::vector<std::string> pieces;
  pieces.reserve(static_cast<size_t>(tokenizer.vocab_size()));
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) pieces.push_back(tokenizer.PieceOf(id));
  return VocabularyText(pieces);
}

}  // namespace

std::map<std::string, std::string> HuggingFaceTexts(const ModelParts& parts) {
  std::map<std::string, std::string> texts = {
      {"config.json", JsonText(ModelJson(parts))},
      {"generation_config.json", JsonText(GenerationJson(parts))},
      {"tokenizer_config.json", JsonText(TokenizerJson(parts))},
      {"source.spm", parts.tokenizers.source->bytes()},
      {"target.spm", parts.tokenizers.target->bytes()},
      {"vocab.json", VocabularyOf(*parts.tokenizers.source)},
  };
  if (!parts.tokenizers.one_vocabulary()) {
    texts["target_vocab.json"] = VocabularyOf(*parts.tokenizers.target);
  }
  return texts;
}

}  // namespace wavemt
