#pragma once

#include <cstdint>

#include "config/config.h"

namespace wavemt {

/// The learning rate of update `step`, counted from 1. A pure function, so resuming needs no saved
/// state.
///   warm-up (step <= warmup_steps): learning_rate * step / warmup_steps
///   inverse_sqrt: learning_rate * sqrt(warmup_steps / step); Vaswani et al. 2017, section 5.3
///   cosine: half a cosine wave down to min_learning_rate; Loshchilov and Hutter 2017
///   linear: a straight line down to min_learning_rate
///   constant: learning_rate
/// cosine and linear reach their end at max_steps + 1, because an update with a rate of 0 would
/// change nothing. After the warm-up the rate is never below min_learning_rate.
double LearningRateAt(int64_t step, const TrainingConfig& config);

}  // namespace wavemt
