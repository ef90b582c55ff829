#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace wavemt {

/// Points the process-wide logger at standard error, a message at a time (see
/// WriteToStandardError()). On a terminal each message first clears the line, so that it never
/// lands inside a progress bar (see progress.h).
void InitLogging();

/// True if standard error is a terminal that understands cursor movement.
bool StandardErrorIsTerminal();

/// Writes the whole text by one call, so that texts of several threads or processes never mix. What
/// cannot be written is lost: there is no other place to say so.
void WriteToStandardError(std::string_view text);

}  // namespace wavemt
