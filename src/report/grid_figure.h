#pragma once

#include <cstdint>
#include <string>

#include "report/axis.h"
#include "workflow/figures.h"
#include "workflow/number_image.h"

namespace wavemt {

/// A grid as a figure with axes and a legend of its colours. Each number is a whole count of pixels
/// wide and high, at least `least_width` wide: where sizes are rounded, waves appear that are not
/// there.
std::string GridFigure(const NumberGrid& grid, int64_t least_width);

/// An image in a frame, stretched over two axes.
std::string FramedImage(const NumberImage& image, const Axis& x, const Axis& y);

}  // namespace wavemt
