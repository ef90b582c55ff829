#pragma once

#include <cstddef>
#include <string>

namespace wavemt {

/// As many curves differ in both colour and dashes; further ones in one of them.
inline constexpr size_t kNumCurveStyles = 5;

/// The attributes of an SVG path that draw a line in one of the colours, which are legible on white
/// and on black and differ for people who are colour-blind, with one of the dashes; 0: none. Both
/// begin again after kNumCurveStyles.
std::string LineStyle(size_t color, size_t dash);

/// The colour itself, for CSS or an attribute.
std::string LineColor(size_t color);

/// A short piece of that line as an <svg> within text.
std::string LineSample(size_t color, size_t dash);

}  // namespace wavemt
