#pragma once

#include <string>

#include "config/config.h"

namespace wavemt {

/// "en": data.source_language or, where that is empty, the extension of the training text.
std::string SourceLanguage(const DataConfig& data);
/// "zh": data.target_language or, where that is empty, the extension of the training text.
std::string TargetLanguage(const DataConfig& data);

/// The config's tokenizer for BLEU, with auto decided by the target language.
EvaluationTokenizer BleuTokenizer(const Config& config);

}  // namespace wavemt
