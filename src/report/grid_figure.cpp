#include "report/grid_figure.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/html.h"
#include "report/page_parts.h"

namespace wavemt {
namespace {

constexpr double kImageTop = 8;
constexpr int64_t kImageSize = 512;  // Unless a number needs more.
constexpr double kLegendWidth = 256;

// A bar of all colours, drawn as the image is, at the height `y`.
std::string ColorLegend(const NumberImage& image, double y) {
  constexpr int64_t kHalf = 100;
  NumberGrid colors;
  colors.rows = 1;
  colors.columns = 2 * kHalf + 1;
  for (int64_t i = -kHalf; i <= kHalf; ++i) colors.values.push_back(static_cast<float>(i));
  const double range = image.range > 0 ? image.range : 1;
  const Axis across = {.low = -range,
                       .high = range,
                       .start = kAxisWidth,
                       .end = kAxisWidth + kLegendWidth,
                       .label = fmt::format("value; the largest magnitude is {:.3g}{}", image.range,
                                            image.all_finite ? "" : ", grey is not finite")};
  const Axis down = {.start = y, .end = y + 12, .label = ""};
  return FramedImage(DrawNumbers(colors), across, down) + AxisBelow(across, down.end);
}

}  // namespace

std::string FramedImage(const NumberImage& image, const Axis& x, const Axis& y) {
  return fmt::format(R"(<image {0} preserveAspectRatio="none" href="{1}"/>)"
                     R"(<rect {0} fill="none" stroke="currentColor" opacity="0.5"/>)",
                     fmt::format(R"(x="{}" y="{}" width="{}" height="{}")", x.start, y.start,
                                 x.end - x.start, y.end - y.start),
                     image.data_uri);
}

std::string GridFigure(const NumberGrid& grid, int64_t least_width) {
  const int64_t width = std::max(least_width, kImageSize / grid.columns);
  // Square, unless that makes the image too tall or too flat.
  const int64_t height =
      std::max({int64_t{1}, std::min(width, kImageSize / grid.rows), kImageSize / 3 / grid.rows});
  // A number's place on an axis is the middle of its pixels.
  const Axis x = {.low = -0.5,
                  .high = static_cast<double>(grid.columns) - 0.5,
                  .start = kAxisWidth,
                  .end = kAxisWidth + static_cast<double>(grid.columns * width),
                  .label = grid.column_label,
                  .whole = true};
  const Axis y = {.low = -0.5,
                  .high = static_cast<double>(grid.rows) - 0.5,
                  .start = kImageTop,
                  .end = kImageTop + static_cast<double>(grid.rows * height),
                  .label = grid.row_label,
                  .whole = true};
  const NumberImage image = DrawNumbers(grid);
  const double legend = y.end + kAxisHeight + 14;
  std::string svg = OpenSvg(std::max(x.end, kAxisWidth + kLegendWidth) + 20,
                            legend + 12 + kAxisHeight, grid.title);
  svg += FramedImage(image, x, y) + AxisBelow(x, y.end) + AxisBeside(y, x.start);
  return Figure(grid.columns * width > kImageSize ? "wide" : "grid", grid.title,
                svg + ColorLegend(image, legend) + "</svg>\n");
}

}  // namespace wavemt
