#include "report/thinning.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace wavemt {
namespace {

using Point = LoggedSeries::Point;

// Appends what stays of one bucket.
void KeepExtremes(std::span<const Point> bucket, std::vector<Point>* kept) {
  std::optional<size_t> lowest;
  std::optional<size_t> highest;
  std::optional<size_t> not_finite;
  for (size_t i = 0; i < bucket.size(); ++i) {
    const double value = bucket[i].value;
    if (!std::isfinite(value)) {
      if (!not_finite) not_finite = i;
      continue;
    }
    if (!lowest || value < bucket[*lowest].value) lowest = i;
    if (!highest || value > bucket[*highest].value) highest = i;
  }
  std::vector<size_t> indices;
  for (const auto& index : {lowest, highest, not_finite}) {
    if (index) indices.push_back(*index);
  }
  std::ranges::sort(indices);
  const auto repeated = std::ranges::unique(indices);
  indices.erase(repeated.begin(), repeated.end());
  for (const size_t index : indices) kept->push_back(bucket[index]);
}

}  // namespace

std::vector<Point> Thinned(std::span<const Point> points, size_t buckets) {
  constexpr size_t kMostOfABucket = 3;
  if (points.size() <= kMostOfABucket * buckets + 2) return {points.begin(), points.end()};
  const auto first = static_cast<double>(points.front().step);
  const double length = static_cast<double>(points.back().step) - first;
  const auto bucket_of = [&](const Point& point) {
    const double share = (static_cast<double>(point.step) - first) / length;
    return std::min(static_cast<size_t>(share * static_cast<double>(buckets)), buckets - 1);
  };
  std::vector<Point> kept = {points.front()};
  std::span<const Point> rest = points.subspan(1, points.size() - 2);
  while (!rest.empty()) {
    const size_t bucket = bucket_of(rest.front());
    const auto end =
        std::ranges::find_if(rest, [&](const Point& point) { return bucket_of(point) != bucket; });
    const auto size = static_cast<size_t>(end - rest.begin());
    KeepExtremes(rest.first(size), &kept);
    rest = rest.subspan(size);
  }
  kept.push_back(points.back());
  return kept;
}

}  // namespace wavemt
