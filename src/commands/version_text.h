#pragma once

#include <string>

namespace wavemt {

/// What `wavemt --version` prints: "wavemt 0.2.0", and a line each for what it was built from and
/// with, and for the processor it runs on.
std::string VersionText();

}  // namespace wavemt
