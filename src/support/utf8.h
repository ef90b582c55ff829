#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace wavemt {

/// The byte offset of the first ill-formed UTF-8 sequence (overlong forms and surrogates included),
/// or nothing if `text` is well-formed.
std::optional<size_t> FindInvalidUtf8(std::string_view text);

}  // namespace wavemt
