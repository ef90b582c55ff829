#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace wavemt {

/// Writes the mean of the weights of checkpoints of one training run to `output`: as a model's
/// folder or, if the name ends in .safetensors, as a file with only the weights. A checkpoint that
/// is named twice counts once, with a warning. Returns how many were averaged. A usage error if
/// `output` cannot be created (a file of weights alone may be replaced, unless it belongs to a
/// checkpoint), or if the checkpoints do not belong together.
///
/// REQUIRES: !checkpoints.empty()
size_t AverageCheckpoints(const std::vector<std::string>& checkpoints,
                          const std::filesystem::path& output);

}  // namespace wavemt
