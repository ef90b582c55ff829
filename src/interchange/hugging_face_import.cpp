#include "interchange/hugging_face_import.h"

#include <algorithm>
#include <string>

#include "checkpoint/safetensors.h"
#include "interchange/hugging_face_config.h"
#include "interchange/hugging_face_tensors.h"
#include "interchange/hugging_face_tokenizers.h"
#include "support/error.h"
#include "support/files.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr const char* kTensorFile = "model.safetensors";

void RequireFiles(const fs::path& folder) {
  if (!IsFolder(folder)) {
    throw UsageError("{}: is not a folder; name one with config.json and {}", folder.string(),
                     kTensorFile);
  }
  if (Exists(folder / kTensorFile)) return;
  for (const char* pickle : {"pytorch_model.bin", "tf_model.h5", "flax_model.msgpack"}) {
    if (Exists(folder / pickle)) {
      throw UsageError(
          "{0}: has the weights in {1}, which wavemt does not open{2}; convert it with Python: "
          "from transformers import MarianMTModel; "
          "MarianMTModel.from_pretrained(\"{0}\").save_pretrained(\"{0}\")",
          folder.string(), pickle,
          std::string_view(pickle) == "pytorch_model.bin" ? " because it is a pickle, which is code"
                                                          : "");
    }
  }
  if (Exists(folder / "model.safetensors.index.json")) {
    throw UsageError("{}: has the weights in several files; save them as one {}", folder.string(),
                     kTensorFile);
  }
  throw UsageError("{}: has no {}", folder.string(), kTensorFile);
}

void RequireSize(const fs::path& file, const char* key, int64_t pieces, int64_t size) {
  if (pieces != size) {
    throw UsageError("{}: has {} pieces, but {} in config.json is {}", file.string(), pieces, key,
                     size);
  }
}

}  // namespace

ModelParts FromHuggingFace(const fs::path& folder) {
  RequireFiles(folder);
  MarianDescription description = ReadMarianDescription(folder);
  ModelParts parts;
  parts.tokenizers =
      ReadMarianTokenizers(folder, description.ids, description.has_two_vocabularies);
  const auto& [source, target] = parts.tokenizers;
  RequireSize(folder / "vocab.json", "vocab_size", source->vocab_size(),
              description.vocabulary.source);
  RequireSize(folder / (description.has_two_vocabularies ? "target_vocab.json" : "vocab.json"),
              "decoder_vocab_size", target->vocab_size(), description.vocabulary.target);

  Config& config = description.config;
  const fs::path tensors = folder / kTensorFile;
  parts.weights = FromMarianTensors(ReadSafetensors(tensors), tensors.string(),
                                    description.vocabulary, &config.model);
  config.tokenizer.shared = parts.tokenizers.shared();
  config.tokenizer.vocab_size = source->vocab_size();
  config.tokenizer.normalize_whitespace = source->text_options().normalize_whitespace;
  config.data.max_length =
      std::min(config.data.max_length, config.model.position_encoding.max_length - 1);
  parts.source_language = config.data.source_language;
  parts.target_language = config.data.target_language;
  parts.config = config;
  return parts;
}

}  // namespace wavemt
