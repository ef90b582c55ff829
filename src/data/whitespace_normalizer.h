#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// `text` as it reads on paper: every kind of white space (tabs, no-break and full-width spaces,
/// line separators) is one U+0020, none stands at the beginning or the end, and characters that
/// nobody sees are gone: control characters, zero-width spaces, soft hyphens, byte order marks,
/// direction marks. What nobody sees but what changes its neighbours stays: joiners between letters
/// of scripts that join (Persian, Hindi) and inside emoji, variation selectors behind something
/// visible. A text of nothing visible becomes empty. To normalize twice changes nothing more.
std::string NormalizeWhitespace(std::string_view text);

}  // namespace wavemt
