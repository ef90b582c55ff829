#pragma once

namespace wavemt {

/// Makes standard input, output and error safe to use, whatever the process was started with:
/// - writing to a pipe that nobody reads any more is an error like any other, not a death without a
///   word (SIGPIPE);
/// - none of the three descriptors is closed: the next file to be opened would get its number, and
///   a log line would land in a checkpoint.
void PrepareStandardStreams();

/// Writes what standard output still holds. A Failure where it, or anything before it, could not be
/// written.
void FinishStandardOutput();

}  // namespace wavemt
