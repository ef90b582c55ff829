#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// sacreBLEU's tokenizer "intl" (mteval-v14.pl --international-tokenization). Separates symbols,
/// and punctuation except between digits, as defined by Unicode's general categories.
std::string TokenizeIntl(std::string_view line);

}  // namespace wavemt
