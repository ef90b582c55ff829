#include "workflow/languages.h"

#include <filesystem>
#include <vector>

#include "data/file_language.h"
#include "evaluation/bleu_tokenizer.h"

namespace wavemt {
namespace {

std::string LanguageOf(const std::string& named, const std::vector<std::filesystem::path>& files) {
  return !named.empty() || files.empty() ? named : LanguageOfFile(files.front());
}

}  // namespace

std::string SourceLanguage(const DataConfig& data) {
  return LanguageOf(data.source_language, data.train.source);
}

std::string TargetLanguage(const DataConfig& data) {
  return LanguageOf(data.target_language, data.train.target);
}

EvaluationTokenizer BleuTokenizer(const Config& config) {
  return config.evaluation.tokenize == EvaluationTokenizer::kAuto
             ? TokenizerForLanguage(TargetLanguage(config.data))
             : config.evaluation.tokenize;
}

}  // namespace wavemt
