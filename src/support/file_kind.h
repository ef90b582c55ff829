#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace wavemt {

/// FindOtherKind() looks at no more than this many bytes at the beginning of a file.
inline constexpr size_t kBeginningSize = 4096;

/// If the beginning of a file shows that it is not UTF-8 text, returns what it is and what to do
/// about it, to follow the file's name in a message: "is a zip archive; unpack it and name the file
/// in it". Returns nothing if it may be text.
///
/// `file` appears in a suggested shell command; leave it empty if the bytes are not a file's own.
std::optional<std::string> FindOtherKind(std::string_view beginning,
                                         const std::filesystem::path& file);

}  // namespace wavemt
