#pragma once

namespace wavemt {

/// From now on SIGINT, SIGTERM, SIGUSR1 (which schedulers send before a time limit) and SIGHUP only
/// ask for a stop, which long work answers at its next safe point; SIGHUP stays ignored where it
/// was (nohup). A second SIGINT ends the process at once; other signals may come as often as they
/// like, since shells and schedulers send them more than once.
void InstallStopSignals();

/// The signal that asked for a stop, or 0.
int StopSignal();

/// The exit code by which a shell knows that `signal` stopped a process: 130, 143.
inline int ExitCodeOfSignal(int signal) { return 128 + signal; }

/// A file that outgrows its limit (ulimit -f) makes writing fail, and no longer ends the process.
void IgnoreFileSizeSignal();

}  // namespace wavemt
