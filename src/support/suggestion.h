#pragma once

#include <span>
#include <string>
#include <string_view>

namespace wavemt {

/// The candidate that `word` is most likely a misspelling of, or "" where none is near.
/// Distance: optimal string alignment (insert, delete, replace, swap neighbours).
std::string NearestWord(std::string_view word, std::span<const std::string> candidates);

/// " (did you mean X?)" or "".
std::string DidYouMean(std::string_view word, std::span<const std::string> candidates);

}  // namespace wavemt
