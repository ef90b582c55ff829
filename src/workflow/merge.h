#pragma once

#include <filesystem>

namespace wavemt {

/// Writes a model with its adapter made part of the weights to the folder `output`, which
/// OpenModel() opens. `model` and `adapter` are as for OpenModel(). A usage error if there is no
/// adapter, if it is not LoRA, or if `output` exists and is not an empty folder.
void MergeAdapter(const std::filesystem::path& model, const std::filesystem::path& adapter,
                  const std::filesystem::path& output);

}  // namespace wavemt
