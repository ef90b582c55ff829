#pragma once

#include <map>
#include <string>

#include "checkpoint/named_tensors.h"
#include "config/config.h"
#include "data/tokenizer.h"

namespace wavemt {

/// A trained model as data: what goes out to other programs and comes in from them.
struct ModelParts {
  Config config;
  TokenizerPair tokenizers;
  NamedTensors weights;         // By our names, on the CPU; not all have position_encoding.pe.
  std::string source_language;  // For example "en"; empty: unknown.
  std::string target_language;
};

/// The files of a folder that another program opens.
struct ForeignFiles {
  std::map<std::string, std::string> texts;  // Name -> contents.
  NamedTensors tensors;                      // model.safetensors
};

}  // namespace wavemt
