#include "workflow/training_text.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>

#include "data/cleaning/language_scripts.h"
#include "data/corpus.h"
#include "data/corpus_loader.h"
#include "data/corpus_mixture.h"
#include "data/file_language.h"
#include "data/subword_sampler.h"
#include "data/tags.h"
#include "support/json.h"
#include "support/logging.h"
#include "support/progress.h"
#include "workflow/held_out_overlap.h"
#include "workflow/languages.h"

namespace wavemt {
namespace {

// Says if the tokenizer does not keep a tag of the prefix whole. Pieces of it can be learned as
// well, but take more room; <unk> cannot.
void WarnOfCutTags(const std::string& prefix, const Tokenizer& tokenizer, const std::string& name) {
  constexpr size_t kWhole = 2;  // The tag, perhaps after SentencePiece's space.
  for (const std::string& tag : TagsOf(prefix)) {
    const std::vector<int32_t> ids = tokenizer.Encode(tag);
    if (std::ranges::find(ids, tokenizer.special().unk) != ids.end()) {
      spdlog::warn("{}: source_prefix: the vocabulary lacks {}, which is read as <unk>", name, tag);
    } else if (ids.size() > kWhole) {
      spdlog::warn(
          "{}: source_prefix: the tokenizer cuts {} into {} pieces; one that is trained with it in "
          "tokenizer.user_defined_symbols keeps it whole",
          name, tag, ids.size());
    }
  }
}

// A rule that cannot do anything is a mistake of the person who set it.
void WarnOfUnknownScripts(const TrainingCorpus& text, const TokenizeOptions& options) {
  if (text.filter.min_script_share == 0) return;
  const auto warn = [&](const std::string& language, const char* key) {
    if (LanguageScripts(language).known()) return;
    spdlog::warn(
        "{}: filter.min_script_share: the script of {} is not known, so this side is not checked; "
        "set {}",
        options.name, language.empty() ? "its language" : QuoteJson(language), key);
  };
  warn(options.source_language, "data.source_language");
  warn(options.target_language, "data.target_language");
}

LoadedCorpus LoadAndCount(const TrainingCorpus& text, const TokenizerPair& tokenizers,
                          const LoadOptions& options) {
  WarnOfCutTags(text.source_prefix, *tokenizers.source, options.tokenize.name);
  WarnOfUnknownScripts(text, options.tokenize);
  LoadedCorpus loaded = LoadCorpus(text, tokenizers, options);
  spdlog::info("{}: {}", options.tokenize.name, loaded.counts.Summary(options.tokenize.max_length));
  return loaded;
}

// The folder `cache` next to the run, or another name if the run itself is called that.
std::filesystem::path DefaultCacheDir(const std::filesystem::path& run) {
  std::filesystem::path path = std::filesystem::absolute(run).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // It ends with a slash.
  return path.parent_path() / (path.filename() == "cache" ? "token-cache" : "cache");
}

HeldOutText LoadHeldOutText(const std::string& section, const Named<HeldOutCorpus>& set,
                            const Config& config, const TokenizerPair& tokenizers) {
  HeldOutText text{.key = set.name.empty() ? section : fmt::format("{}/{}", section, set.name),
                   .description = set.Describe(fmt::format("data.{}", section)),
                   .source_prefix = SourcePrefixOf(set.corpus, config),
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
  text.corpus =
      LoadAndCount({.files = set.corpus.files, .source_prefix = text.source_prefix}, tokenizers,
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
  for (const Named<HeldOutCorpus>& set : config.data.valid.All()) {
    texts.push_back(LoadHeldOutText("valid", set, config, tokenizers));
  }
  for (const Named<HeldOutCorpus>& set : config.data.test.named) {
    texts.push_back(LoadHeldOutText("test", set, config, tokenizers));
  }
  return texts;
}

// The corpora of data.train, and their counts together.
struct TrainingParts {
  std::vector<CorpusMixture::Part> parts;
  CorpusCounts counts;
};

TrainingParts LoadParts(const Config& config, const TokenizerPair& tokenizers,
                        const LoadingOptions& options) {
  const bool is_set = !config.data.cache_dir.empty();
  if (config.tokenizer.sampling.is_on()) RequireCanSample(tokenizers, config.tokenizer.sampling);
  TrainingParts loaded;
  for (const auto& item : config.data.train.All()) {
    const LanguagesOfText languages =
        LanguagesOf(item.corpus.files,
                    {.source = config.data.source_language, .target = config.data.target_language});
    LoadedCorpus part =
        LoadAndCount(item.corpus, tokenizers,
                     {.tokenize = {.max_length = config.data.max_length,
                                   .num_threads = at::get_num_threads(),
                                   .name = item.Describe("data.train"),
                                   .source_language = languages.source,
                                   .target_language = languages.target,
                                   .keeps_text = config.tokenizer.sampling.is_on()},
                      .cache_dir = is_set ? config.data.cache_dir : DefaultCacheDir(options.run),
                      .cache_small = is_set,
                      .may_write = options.may_write});
    loaded.counts.Add(part.counts);
    loaded.parts.push_back({.name = item.name,
                            .corpus = std::move(part.corpus),
                            .num_tags = NumTags(*tokenizers.source, item.corpus.source_prefix),
                            .weight = item.corpus.weight});
  }
  return loaded;
}

LoadedCorpus Mix(TrainingParts loaded, const Config& config) {
  std::vector<CorpusMixture::Part>& parts = loaded.parts;
  const TokenizedCorpus& first = *parts.front().corpus;
  if (parts.size() == 1 && !first.has_weights() && !first.has_text()) {
    return {.corpus = std::move(parts.front().corpus), .counts = loaded.counts};
  }
  auto mixture = std::make_unique<const CorpusMixture>(std::move(parts), config.data.temperature);
  if (!config.data.train.named.empty()) spdlog::info("data.train: {}", mixture->Summary());
  return {.corpus = std::move(mixture), .counts = loaded.counts};
}

// A model that was trained with tags only expects one, in validations too.
void WarnOfForgottenTags(const Config& config, const std::vector<HeldOutText>& held_out) {
  const auto corpora = config.data.train.All();
  const bool all_have_tags = std::ranges::none_of(
      corpora, [](const auto& item) { return item.corpus.source_prefix.empty(); });
  if (!all_have_tags) return;
  for (const HeldOutText& text : held_out) {
    if (!text.source_prefix.empty()) continue;
    spdlog::warn("{}: has no source_prefix, but all training text has one: {}", text.description,
                 corpora.front().corpus.source_prefix);
  }
}

}  // namespace

std::string SourcePrefixOf(const HeldOutCorpus& corpus, const Config& config) {
  return corpus.source_prefix.empty() ? config.decoding.source_prefix : corpus.source_prefix;
}

LoadedCorpus LoadTrainingPairs(const Config& config, const TokenizerPair& tokenizers,
                               const LoadingOptions& options) {
  return Mix(LoadParts(config, tokenizers, options), config);
}

TrainingText LoadTrainingText(const Config& config, const TokenizerPair& tokenizers,
                              const LoadingOptions& options) {
  TrainingText text;
  // First, so that errors in it are found before anything of data.train is written.
  text.held_out = LoadHeldOutTexts(config, tokenizers);
  WarnOfForgottenTags(config, text.held_out);
  TrainingParts parts = LoadParts(config, tokenizers, options);
  if (options.finds_overlap) SayOverlap(config, tokenizers, text.held_out, parts.parts);
  LoadedCorpus train = Mix(std::move(parts), config);
  text.profile = ProfileOf(*train.corpus, train.counts);
  text.train = std::move(train.corpus);
  return text;
}

}  // namespace wavemt
