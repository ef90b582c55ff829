#pragma once

#include <span>
#include <string>
#include <string_view>

namespace wavemt {

/// The candidate that `word` most likely misspells, or "" if none is close.
/// Distance: optimal string alignment (insert, delete, replace, swap adjacent letters).
std::string NearestWord(std::string_view word, std::span<const std::string> candidates);

/// " (did you mean X?)" or "".
std::string DidYouMean(std::string_view word, std::span<const std::string> candidates);

}  // namespace wavemt
