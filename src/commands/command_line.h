#pragma once

namespace wavemt {

/// Runs the subcommand that the arguments name and returns the process's exit code: 0 done; 1 the
/// work failed; 2 wrong usage, config or input; 130 or 143 stopped by a signal, with a checkpoint
/// written. Never throws.
int RunCommandLine(int argc, char** argv);

/// All of main(): RunCommandLine(), and then the end of the process (see EndProcess()).
int RunProgram(int argc, char** argv);

}  // namespace wavemt
