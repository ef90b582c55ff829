#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// Python's str.lower() on UTF-8: Unicode's full mapping, with the final form of the Greek sigma.
std::string Lowercase(std::string_view text);

}  // namespace wavemt
