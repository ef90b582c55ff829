#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace wavemt {

/// The program's only exception type. Its message is one sentence for the person who typed the
/// command: what is wrong, where (file, line, JSON path), and what would be right.
class Error : public std::runtime_error {
 public:
  /// Who has to fix it. The values are the process's exit codes.
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

/// A failure that the user's input did not cause (disk, memory, device): exit code 1.
template <typename... Args>
[[nodiscard]] Error Failure(fmt::format_string<Args...> format, Args&&... args) {
  return {Error::Kind::kFailure, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace wavemt
