#pragma once

#include "config/config.h"
#include "decoding/translator.h"

namespace wavemt {

/// The metric of decoding.mbr_metric for minimum Bayes risk decoding (Eikema and Aziz 2020): chrF,
/// or BLEU of single sentences with effective order, as sacreBLEU computes them.
ExpectedMetric MakeExpectedMetric(const Config& config);

}  // namespace wavemt
