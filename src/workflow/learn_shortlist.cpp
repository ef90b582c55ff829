#include "workflow/learn_shortlist.h"

#include <string>

#include "checkpoint/run_directory.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/progress.h"
#include "workflow/run_files.h"
#include "workflow/training_text.h"

namespace fs = std::filesystem;

namespace wavemt {

void LearnShortlist(const fs::path& path, const fs::path& output,
                    const Shortlist::Options& options) {
  RequireOutputFile(output);
  const fs::path run = LocateModel(path).run;
  const Config config = LoadRunConfig(run);
  if (config.data.train.empty()) {
    throw UsageError("{}: its config names no data.train to learn from", run.string());
  }
  const TokenizerPair tokenizers = LoadRunTokenizers(run, config.tokenizer);
  const LoadedCorpus loaded =
      LoadTrainingPairs(config, tokenizers, {.run = run, .may_write = false});
  ProgressBar progress("learning", Shortlist::PairsToRead(*loaded.corpus));
  const Shortlist shortlist = Shortlist::Learn(*loaded.corpus, tokenizers, options,
                                               [&](int64_t pairs) { progress.Update(pairs); });
  WriteFileAtomically(output, shortlist.Text(tokenizers));
  spdlog::info("{}: {:.1f} target tokens for a source token on average, and {} for any",
               output.string(), shortlist.MeanPerToken(), shortlist.num_frequent());
}

Shortlist ReadShortlist(const fs::path& path, const TokenizerPair& tokenizers) {
  return Shortlist::Parse(ReadFile(path), tokenizers, path.string());
}

}  // namespace wavemt
