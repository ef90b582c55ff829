#include "report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "report/html.h"

namespace wavemt {
namespace {

constexpr double kTickLength = 4;
constexpr double kPixelsBetweenTicks = 50;

std::vector<double> RoundNumbers(const Axis& axis) {
  constexpr double kRoundingError = 1e-9;
  double step =
      RoundStep(axis.high - axis.low, std::abs(axis.end - axis.start) / kPixelsBetweenTicks);
  if (axis.whole) step = std::max(step, 1.0);
  std::vector<double> numbers;
  for (auto i = std::llround(std::ceil(axis.low / step - kRoundingError));
       static_cast<double>(i) <= axis.high / step + kRoundingError; ++i) {
    numbers.push_back(static_cast<double>(i) * step);
  }
  return numbers;
}

// With a minus sign as wide as a digit.
std::string TickText(double number) {
  return fmt::format("{}{:.6g}", number < 0 ? "\u2212" : "", std::abs(number));
}

std::string TickLine(double x1, double y1, double x2, double y2, double opacity) {
  return fmt::format(
      R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="currentColor" opacity="{}"/>)",
      x1, y1, x2, y2, opacity);
}

// The line of 0 stands out.
double GridOpacity(double number) { return number == 0 ? 0.5 : 0.15; }

}  // namespace

double RoundStep(double length, double most) {
  const double smallest = length / most;
  const double power = std::pow(10, std::floor(std::log10(smallest)));
  for (const double factor : {1, 2, 5}) {
    if (factor * power >= smallest) return factor * power;
  }
  return 10 * power;
}

std::string AxisBelow(const Axis& axis, double y, double grid) {
  std::string svg;
  for (const double number : RoundNumbers(axis)) {
    const double x = axis.At(number);
    svg += TickLine(x, y, x, y + kTickLength, 0.5);
    if (grid > 0) svg += TickLine(x, y, x, y - grid, GridOpacity(number));
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", x, y + 18,
                       TickText(number));
  }
  return svg + fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)",
                           (axis.start + axis.end) / 2, y + 36, EscapeHtml(axis.label));
}

std::string AxisBeside(const Axis& axis, double x, double grid) {
  std::string svg;
  for (const double number : RoundNumbers(axis)) {
    const double y = axis.At(number);
    svg += TickLine(x, y, x - kTickLength, y, 0.5);
    if (grid > 0) svg += TickLine(x, y, x + grid, y, GridOpacity(number));
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", x - 7, y + 4.5,
                       TickText(number));
  }
  constexpr const char* kUpwards =
      R"(<text transform='translate({:.1f} {:.1f}) rotate(-90)' text-anchor="middle">{}</text>)";
  return svg + fmt::format(kUpwards, x - kAxisWidth + 14, (axis.start + axis.end) / 2,
                           EscapeHtml(axis.label));
}

}  // namespace wavemt
