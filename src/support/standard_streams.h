#pragma once

namespace wavemt {

/// Makes standard input, output and error safe to use, however the process was started:
/// - writing to a pipe whose reader is gone returns an error instead of ending the process silently
///   (SIGPIPE);
/// - if one of the three descriptors is closed, it is opened on /dev/null. Otherwise the next file
///   opened would get its number, and log lines could end up in a checkpoint.
void PrepareStandardStreams();

/// Flushes standard output. Throws a Failure if this or any earlier output could not be written.
void FinishStandardOutput();

/// The last thing that main() does: writes out what the standard streams still hold and ends the
/// process without taking its libraries apart. LibTorch would undo each registration of its
/// operators, which takes a tenth of a second (scripts/README.md, start). Under a sanitizer, which
/// reports at an ordinary end, returns the exit code instead.
int EndProcess(int exit_code);

}  // namespace wavemt
