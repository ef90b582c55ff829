#include "report/thinning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace wavemt {
namespace {

using Points = std::vector<LoggedSeries::Point>;

Points Noise(int64_t size) {
  Points points;
  for (int64_t i = 1; i <= size; ++i) {
    // Every number once, in an order that looks like none.
    points.push_back({.step = 10 * i, .value = static_cast<double>(i * 7919 % (size + 1))});
  }
  return points;
}

bool Holds(const Points& points, const LoggedSeries::Point& wanted) {
  return std::ranges::any_of(points, [&](const LoggedSeries::Point& point) {
    return point.step == wanted.step &&
           (point.value == wanted.value || (std::isnan(point.value) && std::isnan(wanted.value)));
  });
}

TEST(ThinningTest, FewPointsAllStay) {
  const Points points = Noise(302);
  const Points kept = Thinned(points, 100);
  ASSERT_EQ(kept.size(), 302U);
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i].value, points[i].value);
  EXPECT_TRUE(Thinned(Points{}, 10).empty());
}

TEST(ThinningTest, ManyPointsBecomeFewInTheirOrder) {
  const Points points = Noise(100'002);  // 100,003 is a prime.
  const Points kept = Thinned(points, 200);
  EXPECT_LE(kept.size(), 602U);
  EXPECT_EQ(kept.front().step, points.front().step);
  EXPECT_EQ(kept.back().step, points.back().step);
  for (size_t i = 1; i < kept.size(); ++i) EXPECT_LT(kept[i - 1].step, kept[i].step);
  for (const LoggedSeries::Point& point : kept) EXPECT_TRUE(Holds(points, point));
}

TEST(ThinningTest, TheLowestAndTheHighestOfEachBucketStay) {
  const Points points = Noise(10'006);  // 10,007 is a prime.
  constexpr int64_t kBuckets = 50;
  const Points kept = Thinned(points, kBuckets);
  const int64_t first = points.front().step;
  const int64_t length = points.back().step - first;
  for (int64_t bucket = 0; bucket < kBuckets; ++bucket) {
    Points inside;
    for (size_t i = 1; i + 1 < points.size(); ++i) {
      if ((points[i].step - first) * kBuckets / length == bucket) inside.push_back(points[i]);
    }
    const auto [low, high] = std::ranges::minmax_element(inside, {}, &LoggedSeries::Point::value);
    EXPECT_TRUE(Holds(kept, *low)) << bucket;
    EXPECT_TRUE(Holds(kept, *high)) << bucket;
  }
}

TEST(ThinningTest, NoGapDisappears) {
  Points points = Noise(10'006);
  points[5000].value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(Holds(Thinned(points, 50), points[5000]));
  for (LoggedSeries::Point& point : points) point.value = points[5000].value;
  EXPECT_LE(Thinned(points, 50).size(), 52U);
}

}  // namespace
}  // namespace wavemt
