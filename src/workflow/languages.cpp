#include "workflow/languages.h"

#include <filesystem>
#include <vector>

#include "data/file_language.h"
#include "evaluation/bleu_tokenizer.h"

namespace wavemt {
namespace {

// Of the first training corpus.
LanguagesOfText LanguagesOfFirst(const DataConfig& data) {
  const auto corpora = data.train.All();
  return LanguagesOf(corpora.empty() ? ParallelFiles() : corpora.front().corpus.files,
                     {.source = data.source_language, .target = data.target_language});
}

}  // namespace

std::string SourceLanguage(const DataConfig& data) { return LanguagesOfFirst(data).source; }

std::string TargetLanguage(const DataConfig& data) { return LanguagesOfFirst(data).target; }

EvaluationTokenizer BleuTokenizer(const Config& config) {
  return config.evaluation.tokenize == EvaluationTokenizer::kAuto
             ? TokenizerForLanguage(TargetLanguage(config.data))
             : config.evaluation.tokenize;
}

}  // namespace wavemt
