#include "workflow/training_text.h"

#include <ATen/Parallel.h>

#include <utility>

#include "data/corpus.h"
#include "data/corpus_loader.h"
#include "support/logging.h"
#include "support/progress.h"
#include "workflow/languages.h"

namespace wavemt {
namespace {

LoadedCorpus LoadAndCount(const ParallelFiles& files, const TokenizerPair& tokenizers,
                          const LoadOptions& options) {
  LoadedCorpus loaded = LoadCorpus(files, tokenizers, options);
  spdlog::info("{}: {}", options.tokenize.name, loaded.counts.Summary(options.tokenize.max_length));
  return loaded;
}

// The folder `cache` next to the run, or another name if the run itself is called that.
std::filesystem::path DefaultCacheDir(const std::filesystem::path& run) {
  std::filesystem::path path = std::filesystem::absolute(run).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // It ends with a slash.
  return path.parent_path() / (path.filename() == "cache" ? "token-cache" : "cache");
}

HeldOutText LoadHeldOutText(const std::string& section, const NamedFiles& set, const Config& config,
                            const TokenizerPair& tokenizers) {
  HeldOutText text{.key = set.name.empty() ? section : fmt::format("{}/{}", section, set.name),
                   .description = set.Describe(fmt::format("data.{}", section)),
                   .corpus = nullptr,
                   .lines = nullptr};
  const int64_t max_positions = config.model.position_encoding.max_length;
  auto lines = std::make_shared<ReferenceText>();
  int64_t number = 0;
  const auto keep_line = [&](const SentencePair& pair) {
    ++number;
    // A line of several megabytes would be thousands of sentences to translate in every validation.
    if (tokenizers.source->IsTooLong(pair.source, max_positions)) {
      spdlog::warn("{}: pair {}: is far too long to be translated and scored", text.description,
                   WithThousands(number));
      return;
    }
    lines->sources.push_back(pair.source);
    lines->references.push_back(pair.target);
  };
  // Validation skips only what the model cannot process.
  text.corpus = LoadAndCount(set.files, tokenizers,
                             {.tokenize = {.max_length = max_positions - 1,
                                           .num_threads = at::get_num_threads(),
                                           .name = text.description,
                                           .source_language = SourceLanguage(config.data),
                                           .on_pair = keep_line}})
                    .corpus;
  text.lines = std::move(lines);
  return text;
}

std::vector<HeldOutText> LoadHeldOutTexts(const Config& config, const TokenizerPair& tokenizers) {
  std::vector<HeldOutText> texts;
  if (config.data.valid.empty()) return texts;
  for (const NamedFiles& set : config.data.valid.All()) {
    texts.push_back(LoadHeldOutText("valid", set, config, tokenizers));
  }
  for (const NamedFiles& set : config.data.test.named) {
    texts.push_back(LoadHeldOutText("test", set, config, tokenizers));
  }
  return texts;
}

}  // namespace

LoadedCorpus LoadTrainingPairs(const Config& config, const TokenizerPair& tokenizers,
                               const TokenCache& cache) {
  const bool is_set = !config.data.cache_dir.empty();
  return LoadAndCount(config.data.train, tokenizers,
                      {.tokenize = {.max_length = config.data.max_length,
                                    .num_threads = at::get_num_threads(),
                                    .name = "data.train",
                                    .source_language = SourceLanguage(config.data)},
                       .cache_dir = is_set ? config.data.cache_dir : DefaultCacheDir(cache.run),
                       .cache_small = is_set,
                       .may_write = cache.may_write});
}

TrainingText LoadTrainingText(const Config& config, const TokenizerPair& tokenizers,
                              const TokenCache& cache) {
  TrainingText text;
  // First, so that errors in it are found before anything of data.train is written.
  text.held_out = LoadHeldOutTexts(config, tokenizers);
  LoadedCorpus train = LoadTrainingPairs(config, tokenizers, cache);
  text.profile = ProfileOf(*train.corpus, train.counts);
  text.train = std::move(train.corpus);
  return text;
}

}  // namespace wavemt
