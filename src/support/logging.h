#pragma once

#include <spdlog/spdlog.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace wavemt {

enum class LogFormat : uint8_t {
  kText,   // Lines; on a terminal with colours, and progress as bars.
  kPlain,  // The same lines everywhere, as without a terminal.
  kJson    // An object a line: {"time": "2026-01-31T12:00:00.000Z", "level": ..., "message": ...}
};

struct LogOptions {
  LogFormat format = LogFormat::kText;
  bool quiet = false;  // Only warnings and errors.
};

/// Sends the process-wide log to standard error, each message in one piece (see
/// WriteToStandardError()). On a terminal, each message first clears the current line, so that it
/// does not mix with a progress bar (see progress.h).
void InitLogging(const LogOptions& options = {});

/// For one of several processes that work together. Rank 0 logs as usual; others only errors and,
/// if asked for, warnings, each with the rank, and show no progress.
void LogAsRank(int rank, bool with_warnings);

/// True if the log goes to a terminal that understands cursor movement, and may use it.
bool LogsToTerminal();

/// The columns of the terminal on standard error; 80 if it does not say.
int TerminalWidth();

/// The columns that a message of level info may take without going on in another line. Nothing:
/// any number, as the log does not go to a terminal.
std::optional<int> MessageWidth();

/// Writes the text in a single system call where possible, so that output of several threads or
/// processes does not mix. Errors are ignored: there is nowhere left to report them.
void WriteToStandardError(std::string_view text);

}  // namespace wavemt
