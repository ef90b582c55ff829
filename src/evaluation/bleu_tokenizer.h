#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace wavemt {

/// Splits a line into the words that BLEU counts, separated by whitespace, as the sacreBLEU
/// tokenizer of the same name does (Post 2018; mteval-v13a.pl). REQUIRES: `tokenizer` is not
/// kAuto; `line` is well-formed UTF-8.
std::string TokenizeForBleu(std::string_view line, EvaluationTokenizer tokenizer);

/// What kAuto stands for with a target language such as "zh" or "zh-Hans".
EvaluationTokenizer TokenizerForLanguage(std::string_view language);

/// The tokenizer of this name. A usage error for any other, which for the names that only sacreBLEU
/// knows (ja-mecab, spm, ...) says why they are not here; `option` begins the sentence.
EvaluationTokenizer ParseBleuTokenizer(std::string_view name, std::string_view option);

}  // namespace wavemt
