#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace wavemt {

/// Writes the mean of the weights of checkpoints of one training to `output`: as a model's folder
/// or, where the name ends in .safetensors, as a file of weights alone. A checkpoint that is named
/// twice counts once, with a warning. Returns how many were averaged. A usage error where something
/// is in the way at `output`, or where the checkpoints do not belong together.
size_t AverageCheckpoints(const std::vector<std::string>& checkpoints,
                          const std::filesystem::path& output);

}  // namespace wavemt
