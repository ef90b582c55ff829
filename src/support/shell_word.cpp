#include "support/shell_word.h"

#include <string_view>

namespace wavemt {

std::string ShellWord(const std::string& path) {
  constexpr std::string_view kHarmless =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+,:@%=-";
  if (path.find_first_not_of(kHarmless) == std::string::npos && !path.starts_with('-')) return path;
  std::string quoted = path.starts_with('-') ? "'./" : "'";
  for (const char c : path) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace wavemt
