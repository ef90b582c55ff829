#pragma once

#include <filesystem>

#include "interchange/model_parts.h"

namespace wavemt {

/// Reads the folder of a MarianMTModel of Python's transformers, for example one of the OPUS-MT
/// models. Nothing in it is trusted: a usage error names the file that is missing, or what in it is
/// not what it should be. The config has no training text and no paths.
ModelParts FromHuggingFace(const std::filesystem::path& folder);

}  // namespace wavemt
