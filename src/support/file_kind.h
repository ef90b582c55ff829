#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace wavemt {

/// How many of a file's first bytes FindOtherKind() looks at, where there are as many.
inline constexpr size_t kBeginningSize = 4096;

/// What a file is, if its beginning shows that it is no UTF-8 text, and what to do about it. Goes
/// on a sentence that begins with the file's name: "is a zip archive; unpack it and name the file
/// in it". Nothing where it may be text.
///
/// `file` is there for a command that can be copied; empty: the bytes are not those of a file.
std::optional<std::string> FindOtherKind(std::string_view beginning,
                                         const std::filesystem::path& file);

}  // namespace wavemt
