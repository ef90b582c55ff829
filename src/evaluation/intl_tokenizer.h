#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// sacreBLEU's tokenizer intl (mteval-v14.pl --international-tokenization): punctuation stands
/// alone unless digits are on both sides, symbols always, both by Unicode's general categories.
std::string TokenizeIntl(std::string_view line);

}  // namespace wavemt
