#include "report/attention_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "report/axis.h"
#include "report/grid_figure.h"
#include "report/html.h"
#include "report/page_parts.h"
#include "workflow/number_image.h"

namespace wavemt {
namespace {

constexpr double kCellSize = 20;
constexpr double kLetterWidth = 8;  // Of most scripts; those of Han are almost twice as wide.
constexpr double kWideLetterWidth = 14;
constexpr double kLabelGap = 6;

// About how wide the text is, in pixels.
double WidthOfLabel(std::string_view text) {
  double width = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;  // A later byte of a character.
    width += byte >= 0xE3 ? kWideLetterWidth : kLetterWidth;
  }
  return width;
}

double WidestLabel(const std::vector<std::string>& labels) {
  double widest = 0;
  for (const std::string& label : labels) widest = std::max(widest, WidthOfLabel(label));
  return widest + 2 * kLabelGap;
}

}  // namespace

std::string AttentionFigure(const AttentionGrid& attention) {
  NumberGrid grid{.title = attention.title,
                  .row_label = "",
                  .column_label = "",
                  .rows = static_cast<int64_t>(attention.target.size()),
                  .columns = static_cast<int64_t>(attention.source.size()),
                  .values = attention.weights};
  const NumberImage image = DrawNumbers(grid);
  const double left = WidestLabel(attention.target);
  const double top = WidestLabel(attention.source);
  const Axis x = {
      .start = left, .end = left + kCellSize * static_cast<double>(grid.columns), .label = ""};
  const Axis y = {
      .start = top, .end = top + kCellSize * static_cast<double>(grid.rows), .label = ""};
  std::string svg = OpenSvg(x.end + 2, y.end + 2, attention.title) + FramedImage(image, x, y);
  for (size_t i = 0; i < attention.source.size(); ++i) {
    svg += fmt::format(
        R"svg(<text transform="translate({:.1f} {:.1f}) rotate(-90)" dy="4.5">{}</text>)svg",
        left + kCellSize * (static_cast<double>(i) + 0.5), top - kLabelGap,
        EscapeHtml(attention.source[i]));
  }
  for (size_t i = 0; i < attention.target.size(); ++i) {
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)",
                       left - kLabelGap, top + kCellSize * (static_cast<double>(i) + 0.5) + 4.5,
                       EscapeHtml(attention.target[i]));
  }
  return Figure("wide", fmt::format("{}; the reddest is {:.2f}", attention.title, image.range),
                svg + "</svg>\n");
}

}  // namespace wavemt
