#pragma once

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

  double At(double number) const { return start + (number - low) / (high - low) * (end - start); }
};

/// The smallest of 1, 2 or 5 times a power of ten that fits into `length` at most `most` times.
double RoundStep(double length, double most);

/// The height that AxisBelow() needs.
constexpr double kAxisHeight = 42;

/// Round numbers and the label beneath `y`, with a grid line of `grid` upwards from each number.
std::string AxisBelow(const Axis& axis, double y, double grid = 0);

/// The width that AxisBeside() needs.
constexpr double kAxisWidth = 66;

/// The same to the left of `x`, with the grid to the right.
std::string AxisBeside(const Axis& axis, double x, double grid = 0);

}  // namespace wavemt
