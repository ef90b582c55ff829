#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace wavemt {

/// Sends the process-wide log to standard error, each message in one piece (see
/// WriteToStandardError()). On a terminal, each message first clears the current line, so that it
/// does not mix with a progress bar (see progress.h).
void InitLogging();

/// For one of several processes that work together. Rank 0 logs as usual; others only errors and,
/// if asked for, warnings, each with the rank, and show no progress.
void LogAsRank(int rank, bool with_warnings);

/// True if standard error is a terminal that understands cursor movement.
bool StandardErrorIsTerminal();

/// Writes the text in a single system call where possible, so that output of several threads or
/// processes does not mix. Errors are ignored: there is nowhere left to report them.
void WriteToStandardError(std::string_view text);

}  // namespace wavemt
