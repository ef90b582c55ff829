#pragma once

#include <string>

#include "config/config.h"

namespace wavemt {

/// The source language, for example "en": data.source_language or, if that is empty, the file name
/// extension of the training text, of the first corpus if there are several.
std::string SourceLanguage(const DataConfig& data);
/// The same for the target language.
std::string TargetLanguage(const DataConfig& data);

/// The config's tokenizer for BLEU; the target language decides what auto means.
EvaluationTokenizer BleuTokenizer(const Config& config);

}  // namespace wavemt
