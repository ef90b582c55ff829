#include "report/curve_style.h"

#include <fmt/format.h>

#include <array>

namespace wavemt {
namespace {

// Legible on white and on black. The fifth is that of the text.
constexpr std::array<const char*, kNumCurveStyles> kCurveColors = {"#2f86c8", "#d55e00", "#009e73",
                                                                   "#b8589a", "currentColor"};
constexpr std::array<const char*, kNumCurveStyles> kCurveDashes = {"none", "7 4", "2 3", "10 3 2 3",
                                                                   "14 5"};

}  // namespace

std::string LineColor(size_t color) { return kCurveColors[color % kNumCurveStyles]; }

std::string LineStyle(size_t color, size_t dash) {
  return fmt::format(R"(fill="none" stroke="{}" stroke-width="2" stroke-dasharray="{}")",
                     LineColor(color), kCurveDashes[dash % kNumCurveStyles]);
}

std::string LineSample(size_t color, size_t dash) {
  return fmt::format(
      R"(<svg class="sample" width="34" height="10" viewBox="0 0 34 10" aria-hidden="true">)"
      R"(<path {} d="M0 5h34"/></svg>)",
      LineStyle(color, dash));
}

}  // namespace wavemt
