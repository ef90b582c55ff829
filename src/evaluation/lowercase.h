#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// Python's str.lower() for UTF-8: Unicode's full mapping, including the Greek final sigma.
std::string Lowercase(std::string_view text);

}  // namespace wavemt
