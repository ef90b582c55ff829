#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wavemt {

/// The numbers of two or more digits in UTF-8 text, in ASCII digits, sorted, each once. A number is
/// a run of decimal digits of any script, without zeros at its beginning.
///
/// Separators of thousands do not interrupt it: "10,000", "10.000", "10'000" and "10 000" are all
/// 10000. A decimal point or comma does, as a colon does, so that "3.30" and "3:30" have the same
/// numbers, and "1.5" and "1,5". Numerals that are letters (Chinese, Roman) are not read.
std::vector<std::string> NumbersOf(std::string_view text);

}  // namespace wavemt
