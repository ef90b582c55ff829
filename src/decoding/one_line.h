#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// Returns `text` as one line of valid UTF-8, because a model can spell any bytes with byte pieces.
/// Control characters other than tab, U+2028 and U+2029 each become a space, so that no program
/// sees a line break; each ill-formed sequence becomes U+FFFD.
std::string OnOneLine(std::string_view text);

}  // namespace wavemt
