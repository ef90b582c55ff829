#include "workflow/merge.h"

#include <map>
#include <string>

#include "checkpoint/run_directory.h"
#include "config/config_writer.h"
#include "support/error.h"
#include "support/files.h"
#include "workflow/run_files.h"
#include "workflow/trained_model.h"

namespace fs = std::filesystem;

namespace wavemt {

void MergeAdapter(const fs::path& model, const fs::path& adapter, const fs::path& output) {
  RequireFreeFolder(output, "--output");
  TrainedModel merged = OpenModel(model, {}, torch::kCPU, adapter);
  if (!merged.adapter) {
    throw UsageError(
        "{}: has no adapter to merge; name a run that trained one, or the adapter with --adapter",
        model.string());
  }
  const fs::path& folder = merged.adapter->folder;
  const AdapterInfo& info = merged.adapter->info;
  if (info.adapter.type != AdapterType::kLora) {
    throw UsageError("{}: is a prefix, which cannot be made part of the weights; only lora can",
                     folder.string());
  }
  merged.config.adapter = {};
  merged.config.run_dir = RunDirectory::ResolvePath(output).string();
  RunDirectory::CreateModel(
      output, RunFiles(merged.config, merged.tokenizers, merged.trained_on.profile, info.base),
      StepOfCheckpoint(folder).value_or(0), StateOf(*merged.model));
}

}  // namespace wavemt
