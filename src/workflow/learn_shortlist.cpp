#include "workflow/learn_shortlist.h"

#include <string>
#include <thread>

#include "checkpoint/run_directory.h"
#include "data/corpus_loader.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/progress.h"
#include "workflow/languages.h"
#include "workflow/run_files.h"

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
      LoadCorpus(config.data.train, tokenizers,
                 {.tokenize = {.max_length = config.data.max_length,
                               .num_threads = static_cast<int>(std::thread::hardware_concurrency()),
                               .name = "data.train",
                               .source_language = SourceLanguage(config.data)},
                  .may_write = false});
  ProgressBar progress("learning", Shortlist::PairsToRead(*loaded.corpus));
  const Shortlist shortlist = Shortlist::Learn(*loaded.corpus, tokenizers, options,
                                               [&](int64_t pairs) { progress.Update(pairs); });
  WriteFileAtomically(output, shortlist.Text(tokenizers));
  spdlog::info("{}: {:.1f} target tokens for a source token on average, and the {} most frequent",
               output.string(), shortlist.MeanPerToken(), options.frequent);
}

Shortlist ReadShortlist(const fs::path& path, const TokenizerPair& tokenizers) {
  return Shortlist::Parse(ReadFile(path), tokenizers, path.string());
}

}  // namespace wavemt
