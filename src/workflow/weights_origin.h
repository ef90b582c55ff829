#pragma once

#include <filesystem>

#include "support/file_digest.h"

namespace wavemt {

/// Weights that a training began with: where they were, and what they were.
struct WeightsOrigin {
  std::filesystem::path checkpoint;  // A checkpoint's folder, or a file of weights; absolute.
  FileDigest digest;                 // Of the file with the weights.
};

}  // namespace wavemt
