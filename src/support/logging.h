#pragma once

#include <spdlog/spdlog.h>

namespace wavemt {

/// Points the process-wide logger at standard error. On a terminal each message first clears the
/// line, so that it never lands inside a progress bar (see progress.h).
void InitLogging();

/// True if standard error is a terminal that understands cursor movement.
bool StandardErrorIsTerminal();

}  // namespace wavemt
