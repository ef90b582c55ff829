#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// A hypothesis as one line of UTF-8, whatever the model spelled with byte pieces and whatever a
/// program takes for the end of a line: each control character but the tab, U+2028 and U+2029
/// become a space, each ill-formed sequence U+FFFD.
std::string OnOneLine(std::string_view text);

}  // namespace wavemt
