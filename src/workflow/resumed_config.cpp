#include "workflow/resumed_config.h"

#include <algorithm>
#include <string>

#include "config/config_resume.h"
#include "support/error.h"
#include "workflow/languages.h"
#include "workflow/run_files.h"

namespace wavemt {

bool HasOtherFiles(const ParallelFiles& a, const ParallelFiles& b) {
  return a.source != b.source || a.target != b.target || a.tsv != b.tsv ||
         a.tsv_columns != b.tsv_columns;
}

bool HasOtherFiles(const CorpusList<TrainingCorpus>& a, const CorpusList<TrainingCorpus>& b) {
  return !std::ranges::equal(a.All(), b.All(), [](const auto& one, const auto& other) {
    return !HasOtherFiles(one.corpus.files, other.corpus.files) &&
           one.corpus.weights == other.corpus.weights &&
           one.corpus.source_prefix == other.corpus.source_prefix &&
           one.corpus.filter == other.corpus.filter;
  });
}

Config ResumedConfig(const std::filesystem::path& run, const Config& before,
                     const ConfigOverrides& overrides) {
  RequireMayChange(before, overrides);
  Config config = LoadRunConfig(run, overrides);
  if (HasOtherFiles(before.data.train, config.data.train)) {
    // The new file names may indicate no language, or a different one.
    const std::string source = SourceLanguage(before.data);
    const std::string target = TargetLanguage(before.data);
    if (source != SourceLanguage(config.data)) config.data.source_language = source;
    if (target != TargetLanguage(config.data)) config.data.target_language = target;
  }
  if ((before.training.ema_decay > 0) != (config.training.ema_decay > 0)) {
    throw UsageError(
        "--set training.ema_decay={}: the moving average cannot be switched on or off "
        "in the middle of a run; start a new one with `wavemt train`",
        config.training.ema_decay);
  }
  return config;
}

}  // namespace wavemt
