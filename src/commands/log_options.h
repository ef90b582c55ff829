#pragma once

#include <CLI/CLI.hpp>

namespace wavemt {

/// Begins to log as --log-format and --quiet among the arguments ask for. To be called before the
/// command line is parsed, so that its errors are logged in this way too.
void InitLoggingAsTyped(int argc, const char* const* argv);

/// Adds both options to `app` and all its commands, so that they may stand before and after a
/// command's name; InitLoggingAsTyped() has done what they ask for.
void AddLogOptions(CLI::App* app);

}  // namespace wavemt
