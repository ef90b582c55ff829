#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"
#include "training/training_inputs.h"

namespace wavemt {

/// Trains without writing anything: a few steps to warm up, then `steps` steps. Returns a table of
/// how they spent their time (see StepProfiler).
std::string ProfileUpdates(const Config& config, const TrainingInputs& inputs, int64_t warmup_steps,
                           int64_t steps);

}  // namespace wavemt
