#pragma once

#include <cmath>
#include <string>

namespace wavemt {

/// An axis of an SVG drawing: which numbers lie where.
struct Axis {
  double low = 0;
  double high = 1;     // Above `low`.
  double start = 0;    // Where `low` lies on the drawing; to the right or below, numbers grow.
  double end = 100;    // Where `high` lies.
  std::string label;   // Plain text.
  bool whole = false;  // Only whole numbers occur.
  bool logarithmic = false;   // Equal factors are equally far apart. REQUIRES: low > 0
  double tick_distance = 50;  // In pixels; ticks are at least so far apart.

  double At(double number) const {
    const double share =
        logarithmic ? std::log(number / low) / std::log(high / low) : (number - low) / (high - low);
    return start + share * (end - start);
  }
};

/// The smallest of 1, 2 or 5 times a power of ten that fits into `length` at most `most` times.
double RoundStep(double length, double most);

/// A number as axes show it: with at most six digits, a minus sign as wide as a digit, and "150k",
/// "2M" or "1e−5" where it would be long.
std::string NumberText(double number);

/// The height that AxisBelow() needs.
constexpr double kAxisHeight = 42;

/// Round numbers and the label beneath `y`, with a grid line of `grid` upwards from each number.
std::string AxisBelow(const Axis& axis, double y, double grid = 0);

/// The width that AxisBeside() needs.
constexpr double kAxisWidth = 66;

/// The same to the left of `x`, with the grid to the right.
std::string AxisBeside(const Axis& axis, double x, double grid = 0);

}  // namespace wavemt
