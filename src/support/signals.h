#pragma once

namespace wavemt {

/// From now on, SIGINT, SIGTERM, SIGUSR1 (which schedulers send before a time limit) and SIGHUP
/// only request a stop, which long operations honour at their next safe point. SIGHUP stays ignored
/// if it was ignored before (nohup). A second SIGINT ends the process at once; the other signals
/// may repeat, since shells and schedulers send them more than once.
void InstallStopSignals();

/// The signal that requested a stop, or 0.
int StopSignal();

/// The exit code that tells a shell that `signal` stopped the process: 130, 143.
inline int ExitCodeOfSignal(int signal) { return 128 + signal; }

/// Makes a write beyond the file size limit (ulimit -f) fail instead of ending the process.
void IgnoreFileSizeSignal();

}  // namespace wavemt
