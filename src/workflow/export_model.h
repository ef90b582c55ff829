#pragma once

#include <filesystem>

namespace wavemt {

/// The programs that a model can be written for.
enum class ExportFormat { kHuggingFace, kCTranslate2, kTorch };

/// Writes the model that `path` names (see LocateModel() in run_directory.h) to the new folder
/// `directory`, complete or not at all. A usage error if the folder exists and is not empty, or if
/// the format cannot hold the model.
void ExportModel(const std::filesystem::path& path, const std::filesystem::path& directory,
                 ExportFormat format);

}  // namespace wavemt
