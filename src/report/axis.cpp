#include "report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "report/html.h"

namespace wavemt {
namespace {

constexpr double kTickLength = 4;

// Powers of ten, or every second one, and so on.
std::vector<double> PowersOfTen(const Axis& axis) {
  constexpr double kRoundingError = 1e-9;
  const double first = std::log10(axis.low);
  const double last = std::log10(axis.high);
  const double most = std::max(1.0, std::abs(axis.end - axis.start) / axis.tick_distance);
  const double step = std::max(1.0, std::ceil((last - first) / most));
  std::vector<double> numbers;
  for (double power = std::ceil(first - kRoundingError); power <= last + kRoundingError;
       power += step) {
    numbers.push_back(std::pow(10, power));
  }
  return numbers;
}

std::vector<double> RoundNumbers(const Axis& axis) {
  constexpr double kRoundingError = 1e-9;
  if (axis.logarithmic) return PowersOfTen(axis);
  double step =
      RoundStep(axis.high - axis.low, std::abs(axis.end - axis.start) / axis.tick_distance);
  if (axis.whole) step = std::max(step, 1.0);
  std::vector<double> numbers;
  for (auto i = std::llround(std::ceil(axis.low / step - kRoundingError));
       static_cast<double>(i) <= axis.high / step + kRoundingError; ++i) {
    numbers.push_back(static_cast<double>(i) * step);
  }
  return numbers;
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

std::string NumberText(double number) {
  const double magnitude = std::abs(number);
  const char* sign = number < 0 ? "\u2212" : "";
  if (magnitude >= 1e4 && magnitude < 1e9) {
    const bool is_millions = magnitude >= 1e6;
    return fmt::format("{}{:.6g}{}", sign, magnitude / (is_millions ? 1e6 : 1e3),
                       is_millions ? "M" : "k");
  }
  std::string text = fmt::format("{}{:.6g}", sign, magnitude);
  // "1e-05" is 1e−5.
  const size_t exponent = text.find('e');
  if (exponent == std::string::npos) return text;
  const char* exponent_sign = text[exponent + 1] == '-' ? "\u2212" : "";
  const size_t digits = text.find_first_not_of("+-0", exponent + 1);
  return text.substr(0, exponent + 1) + exponent_sign + text.substr(digits);
}

std::string AxisBelow(const Axis& axis, double y, double grid) {
  std::string svg;
  for (const double number : RoundNumbers(axis)) {
    const double x = axis.At(number);
    svg += TickLine(x, y, x, y + kTickLength, 0.5);
    if (grid > 0) svg += TickLine(x, y, x, y - grid, GridOpacity(number));
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", x, y + 18,
                       NumberText(number));
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
                       NumberText(number));
  }
  constexpr const char* kUpwards =
      R"(<text transform='translate({:.1f} {:.1f}) rotate(-90)' text-anchor="middle">{}</text>)";
  return svg + fmt::format(kUpwards, x - kAxisWidth + 14, (axis.start + axis.end) / 2,
                           EscapeHtml(axis.label));
}

}  // namespace wavemt
