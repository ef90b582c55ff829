#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "workflow/metrics_history.h"

namespace wavemt {

/// As many points as a chart can show: the steps are divided into `buckets` of equal length, and of
/// each bucket the first point that is lowest, the first that is highest and the first that is not
/// finite stay, and so do the very first and the very last one. So no peak and no gap disappears.
/// All points stay if there are no more than that. REQUIRES: points are sorted by step; buckets > 0
std::vector<LoggedSeries::Point> Thinned(std::span<const LoggedSeries::Point> points,
                                         size_t buckets);

}  // namespace wavemt
