#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace wavemt {

/// The one exception type. Its text is a sentence for the person who typed the command: what is
/// wrong, where (file, line, JSON path), what would be right.
class Error : public std::runtime_error {
 public:
  /// Whose mistake it was. The values are the process exit codes.
  enum class Kind { kFailure = 1, kUsage = 2 };

  Error(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

  Kind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }

 private:
  Kind kind_;
};

/// Wrong usage, config or input: exit code 2.
template <typename... Args>
[[nodiscard]] Error UsageError(fmt::format_string<Args...> format, Args&&... args) {
  return {Error::Kind::kUsage, fmt::format(format, std::forward<Args>(args)...)};
}

/// The work failed for a reason outside the user's input (disk, memory, device): exit code 1.
template <typename... Args>
[[nodiscard]] Error Failure(fmt::format_string<Args...> format, Args&&... args) {
  return {Error::Kind::kFailure, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace wavemt
