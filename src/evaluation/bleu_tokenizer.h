#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace wavemt {

/// Separates the words that BLEU counts by whitespace, exactly as the sacreBLEU tokenizer of the
/// same name does (Post 2018; mteval-v13a.pl). REQUIRES: `tokenizer` is not kAuto; `line` is
/// well-formed UTF-8.
std::string TokenizeForBleu(std::string_view line, EvaluationTokenizer tokenizer);

/// The tokenizer that kAuto selects for a target language such as "zh" or "zh-Hans".
EvaluationTokenizer TokenizerForLanguage(std::string_view language);

/// The tokenizer with this name. Otherwise throws a usage error that begins with `option`; for
/// tokenizers that only sacreBLEU has (ja-mecab, spm, ...) it explains why they are not supported.
EvaluationTokenizer ParseBleuTokenizer(std::string_view name, std::string_view option);

}  // namespace wavemt
