#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// The columns that UTF-8 `text` takes on a terminal: two for a wide character, such as a Chinese
/// one, and none for one that is drawn over the character before it.
int DisplayWidth(std::string_view text);

/// The longest beginning of `text` that takes at most `width` columns.
std::string_view CutToWidth(std::string_view text, int width);

/// `text`, or a beginning of it that ends with "…" if it takes more than `width` columns.
std::string Shortened(std::string_view text, int width);

/// Text that a terminal shows and does not obey: a tab becomes a space; other control characters,
/// those that show nothing or change the direction of what follows, and bytes that are not UTF-8
/// become U+FFFD.
std::string Displayable(std::string_view text);

}  // namespace wavemt
