#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// Returns `text` as it reads on paper:
///   - Each run of white space of any kind (tabs, no-break and full-width spaces, line separators)
///     becomes one U+0020; at the beginning and at the end it is removed.
///   - Invisible characters are removed: control characters, zero-width spaces, soft hyphens, byte
///     order marks, direction marks. Those that change how their neighbours look are kept: joiners
///     between letters of joining scripts (Persian, Hindi) and inside emoji, and variation
///     selectors after a visible character.
/// A text without visible characters becomes empty. Normalizing twice is the same as once.
std::string NormalizeWhitespace(std::string_view text);

}  // namespace wavemt
