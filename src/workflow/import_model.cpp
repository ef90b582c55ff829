#include "workflow/import_model.h"

#include <map>
#include <string>

#include "checkpoint/named_tensors.h"
#include "checkpoint/run_directory.h"
#include "config/config_reader.h"
#include "config/config_writer.h"
#include "interchange/hugging_face_import.h"
#include "workflow/build_model.h"
#include "workflow/run_files.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// Where the run itself has its tokenizers, for a training that begins with it.
void NameTokenizers(const TokenizerPair& tokenizers, const fs::path& run, TokenizerConfig* config) {
  if (tokenizers.shared()) {
    config->model = run / "tokenizer.model";
  } else {
    config->source_model = run / "source.model";
    config->target_model = run / "target.model";
  }
  if (tokenizers.source->vocabulary()) config->vocabulary = run / kVocabularyFile;
}

}  // namespace

void ImportHuggingFace(const fs::path& folder, const fs::path& run) {
  RunDirectory::RequireFree(run, /*overwrite=*/false);
  ModelParts parts = FromHuggingFace(folder);
  const fs::path resolved = RunDirectory::ResolvePath(run);
  parts.config.run_dir = resolved.string();
  NameTokenizers(parts.tokenizers, resolved, &parts.config.tokenizer);
  std::map<std::string, std::string> files = TokenizerFiles(parts.tokenizers);
  files["config.json"] = ConfigText(parts.config);
  // As every command will read it.
  ReadConfig(files["config.json"], folder / "config.json", {}, {.may_lack_training_text = true});
  Transformer model = BuildModel(parts.config.model, parts.tokenizers);
  NamedTensors state = StateOf(*model);
  NamedTensors weights = parts.weights;
  weights["position_encoding.pe"] = state.at("position_encoding.pe");
  CopyTensors(weights, state, folder.string());
  RunDirectory::CreateModel(run, files, /*step=*/0, state);
}

}  // namespace wavemt
