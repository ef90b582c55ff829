#include "data/corpus_loader.h"

#include "data/corpus_cache.h"
#include "data/corpus_origin.h"
#include "support/logging.h"

namespace wavemt {
namespace {

// Text up to this many bytes is tokenized again at each start. That takes seconds, and the ids need
// about as much memory as the text needs on disk.
constexpr int64_t kLargestInMemory = 64'000'000;

LoadedCorpus LoadIntoMemory(const TrainingCorpus& text, const TokenizerPair& tokenizers,
                            const TokenizeOptions& options) {
  auto corpus = std::make_unique<MemoryCorpus>();
  const CorpusCounts counts = TokenizeCorpus(
      text, tokenizers, options, [&corpus](const TokenizedPair& pair) { corpus->Add(pair); });
  return {.corpus = std::move(corpus), .counts = counts};
}

}  // namespace

LoadedCorpus LoadCorpus(const TrainingCorpus& text, const TokenizerPair& tokenizers,
                        const LoadOptions& options) {
  const bool wants_cache =
      !options.cache_dir.empty() && (options.cache_small || TextBytes(text) > kLargestInMemory);
  if (!wants_cache) return LoadIntoMemory(text, tokenizers, options.tokenize);
  CorpusCache cache(text, tokenizers, options.tokenize, options.cache_dir);
  std::unique_ptr<const CachedCorpus> corpus;
  if (options.may_write) {
    corpus = cache.FindOrBuild();
  } else {
    corpus = cache.Find();
    if (!corpus) {
      spdlog::info(
          "{}: token ids stay in memory, as nothing may be written; training would write "
          "them to {}",
          options.tokenize.name, cache.path().string());
      return LoadIntoMemory(text, tokenizers, options.tokenize);
    }
  }
  const CorpusCounts counts = corpus->file().counts();
  return {.corpus = std::move(corpus), .counts = counts};
}

}  // namespace wavemt
