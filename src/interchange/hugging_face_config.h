#pragma once

#include <filesystem>
#include <string>

#include "config/config.h"
#include "interchange/hugging_face_tokenizers.h"
#include "model/vocabulary_sizes.h"

namespace wavemt {

/// What the JSON files of a MarianMTModel's folder say.
struct MarianDescription {
  Config config;  // model, decoding and languages; the rest are the defaults.
  MarianIds ids;
  VocabularySizes vocabulary;
  bool has_two_vocabularies = false;
};

/// Reads config.json and, if they are there, generation_config.json and tokenizer_config.json. A
/// usage error that names the file and the key if the model is of another architecture, or has
/// something that wavemt's model has not.
MarianDescription ReadMarianDescription(const std::filesystem::path& folder);

}  // namespace wavemt
