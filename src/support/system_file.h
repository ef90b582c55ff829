#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace wavemt {

/// The contents of a file of /proc or /sys, or of its first 16 MiB. Nothing if it cannot be read:
/// what such files tell is never needed to work.
std::optional<std::string> ReadSystemFile(const std::filesystem::path& path);

/// The value of the first line "name : value" or "name:  value" of such a file; empty if there is
/// none.
std::string ValueInSystemFile(std::string_view text, std::string_view name);

}  // namespace wavemt
