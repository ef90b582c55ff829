#pragma once

#include <string>

namespace wavemt {

/// A path as one word of a shell's command, in quotes where necessary. One that begins with "-"
/// gets "./" before it, so that no program takes it for an option.
std::string ShellWord(const std::string& path);

}  // namespace wavemt
