#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>

#include "workflow/run_evaluation.h"

namespace wavemt {

/// Translates the first set of a run's data.valid with its best model, and looks at what the model
/// attends to in `pictures` of the sentences, which are spread over the text. A usage error if the
/// run has no data.valid or no checkpoint.
RunEvaluation EvaluateRun(const std::filesystem::path& run, int64_t pictures, torch::Device device);

}  // namespace wavemt
