#pragma once

#include <string>
#include <vector>

#include "../model/small_model.h"
#include "checkpoint/named_tensors.h"
#include "data/tokenizer.h"
#include "data/tokenizer_trainer.h"

namespace wavemt {

// A tokenizer trained on a few sentences.
inline std::shared_ptr<const Tokenizer> TrainOnExamples(int64_t vocab_size, bool byte_fallback) {
  std::vector<std::string> sentences;
  for (const std::string who : {"the cat", "the dog", "a bird", "my house", "the old man"}) {
    for (const std::string what : {"sat down", "ran away", "was very big", "saw the sea"}) {
      sentences.push_back(who + " " + what + ".");
      sentences.push_back("why? " + what + "! " + who);
    }
  }
  for (const std::string who : {"我", "猫", "老人"}) {
    for (const std::string what : {"喜欢大海", "在跑步", "坐下了"}) {
      sentences.push_back(who + what + "。");
    }
  }
  TokenizerConfig config;
  config.vocab_size = vocab_size;
  config.character_coverage = 1.0;
  config.byte_fallback = byte_fallback;
  return Tokenizer::FromBytes(TrainTokenizer(config, sentences), "examples");
}

inline const std::shared_ptr<const Tokenizer>& PlainTokenizer() {
  static const auto kTokenizer = TrainOnExamples(60, false);
  return kTokenizer;
}

// It can spell any byte, even a line break.
inline const std::shared_ptr<const Tokenizer>& ByteTokenizer() {
  static const auto kTokenizer = TrainOnExamples(315, true);
  return kTokenizer;
}

// A small random model. It uses double precision so that the other sentences of a batch never
// change the result by rounding.
inline Transformer RandomTextModel(const Tokenizer& tokenizer, int64_t positions) {
  ModelConfig config = SmallModelConfig();
  config.position_encoding.max_length = positions;
  const int64_t vocabulary = tokenizer.vocab_size();
  Transformer model = MakeSmallModel(config, {.source = vocabulary, .target = vocabulary}, 31);
  model->to(torch::kDouble);
  return model;
}

// A model that ranks the tokens as in `order`, best first, whatever the input.
inline Transformer ConstantModel(const Tokenizer& tokenizer, int64_t positions,
                                 const std::vector<int32_t>& order) {
  ModelConfig config = SmallModelConfig();
  config.position_encoding.max_length = positions;
  config.tied_embeddings = TiedEmbeddings::kNone;
  const int64_t vocabulary = tokenizer.vocab_size();
  Transformer model = MakeSmallModel(config, {.source = vocabulary, .target = vocabulary}, 31);
  const NamedTensors weights = StateOf(*model);
  const torch::NoGradGuard no_grad;
  // The final norm always gives (1, 0, 0, ...), so only the projection's first column matters.
  weights.at("decoder.norm.weight").zero_();
  weights.at("decoder.norm.bias").zero_();
  weights.at("decoder.norm.bias")[0] = 1.0;
  weights.at("output_projection").zero_();
  for (size_t rank = 0; rank < order.size(); ++rank) {
    weights.at("output_projection")[order[rank]][0] = 20.0 - 2.0 * static_cast<double>(rank);
  }
  return model;
}

}  // namespace wavemt
