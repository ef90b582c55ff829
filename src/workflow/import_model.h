#pragma once

#include <filesystem>

namespace wavemt {

/// Makes a run of the MarianMTModel in `folder`, as Python's transformers saves it, complete or not
/// at all: a model for translating, and for beginning a training with. A usage error if `run`
/// exists and is not an empty folder, or if the model cannot be imported.
void ImportHuggingFace(const std::filesystem::path& folder, const std::filesystem::path& run);

}  // namespace wavemt
