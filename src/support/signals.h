#pragma once

namespace wavemt {

/// From now on SIGINT and SIGTERM only ask for a stop, which long work answers at its next safe
/// point. A second signal of the same kind ends the process at once.
void InstallStopSignals();

/// The signal that asked for a stop, or 0.
int StopSignal();

/// The exit code by which a shell knows that `signal` stopped a process: 130, 143.
inline int ExitCodeOfSignal(int signal) { return 128 + signal; }

}  // namespace wavemt
