#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"
#include "training/training_inputs.h"

namespace wavemt {

/// Trains without writing anything: a few steps to warm up, then `steps` whose time the returned
/// table shows (see StepProfiler).
std::string ProfileUpdates(const Config& config, const TrainingInputs& inputs, int64_t warmup_steps,
                           int64_t steps);

}  // namespace wavemt
