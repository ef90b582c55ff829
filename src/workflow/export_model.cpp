#include "workflow/export_model.h"

#include <map>
#include <string>
#include <string_view>

#include "checkpoint/checkpoint.h"
#include "checkpoint/named_tensors.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/safetensors.h"
#include "interchange/hugging_face_export.h"
#include "interchange/model_parts.h"
#include "interchange/python_script.h"
#include "interchange/refusals.h"
#include "interchange/torch_export.h"
#include "support/error.h"
#include "support/files.h"
#include "workflow/languages.h"
#include "workflow/run_files.h"
#include "workflow/trained_model.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

void WriteFiles(const std::map<std::string, std::string>& files, const fs::path& folder) {
  for (const auto& [name, contents] : files) {
    OutputFile file(folder / name);
    file.Write(contents);
    file.SyncAndClose();
  }
}

void WriteTensors(const NamedTensors& tensors, const fs::path& path) {
  OutputFile file(path);
  WriteSafetensors(file, tensors);
  file.SyncAndClose();
}

ModelParts PartsOf(const TrainedModel& model) {
  return {.config = model.config,
          .tokenizers = model.tokenizers,
          .weights = StateOf(*model.model),
          .source_language = SourceLanguage(model.config.data),
          .target_language = TargetLanguage(model.config.data)};
}

// CTranslate2's writer is its Python package, which a script of ours uses.
void WriteCTranslate2(const TrainedModel& model, const fs::path& folder) {
  const fs::path& run = model.run;
  // The weights as they were opened, which may not be those of one file; never committed.
  const StagedDirectory scratch(folder.string() + ".weights");
  WriteTensors(StateOf(*model.model), scratch.path() / kModelFile);
  RunScript("to_ctranslate2.py", {run.string(), scratch.path().string(), folder.string()},
            "the packages ctranslate2, numpy, safetensors and sentencepiece");
  WriteFiles(ReadTokenizerFiles(run), folder);
}

std::string_view ReaderOf(ExportFormat format) {
  switch (format) {
    case ExportFormat::kHuggingFace:
      return "Hugging Face's tokenizer";
    case ExportFormat::kCTranslate2:
      return "CTranslate2";
    case ExportFormat::kTorch:
      return "translate.py";
  }
  return "";
}

}  // namespace

void ExportModel(const fs::path& path, const fs::path& directory, ExportFormat format) {
  RequireFreeFolder(directory);
  const TrainedModel model = OpenModel(path);
  // LoRA is in the weights already.
  if (model.adapter && model.adapter->info.adapter.type == AdapterType::kPrefix) {
    throw UsageError("{}: is a prefix, which other programs' formats cannot hold",
                     model.adapter->folder.string());
  }
  ForeignFiles files;
  switch (format) {
    case ExportFormat::kHuggingFace:
      files = ToHuggingFace(PartsOf(model));
      break;
    case ExportFormat::kCTranslate2:
      RequireCTranslate2CanHold(model.config);
      break;
    case ExportFormat::kTorch:
      files = ToTorch(PartsOf(model));
      break;
  }
  StagedDirectory staged(RunDirectory::ResolvePath(directory));
  if (format == ExportFormat::kCTranslate2) {
    WriteCTranslate2(model, staged.path());
  } else {
    WriteFiles(files.texts, staged.path());
    WriteTensors(files.tensors, staged.path() / kModelFile);
  }
  staged.Commit();
  WarnOfTextOptions(model.config, ReaderOf(format));
}

}  // namespace wavemt
