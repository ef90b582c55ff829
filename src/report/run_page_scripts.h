#pragma once

namespace wavemt {

// The inline parts of a report that do not depend on the runs.

/// Rules of CSS besides those of every page.
extern const char* const kRunPageStyle;

/// Shows the values of a chart's curves at the pointer. Without it, nothing is missing but that.
extern const char* const kReadingScript;

/// Loads a live page again when it is no longer up to date. The reader's place in it is kept.
extern const char* const kLiveScript;

}  // namespace wavemt
