#pragma once

#include <map>
#include <string>

#include "interchange/model_parts.h"

namespace wavemt {

/// The files by which Python's transformers opens a model and its tokenizer, without the tensors:
/// config.json, generation_config.json, tokenizer_config.json, source.spm, target.spm, vocab.json
/// and, where the sides have different ids, target_vocab.json.
std::map<std::string, std::string> HuggingFaceTexts(const ModelParts& parts);

}  // namespace wavemt
