#include "report/positions_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "report/axis.h"
#include "report/html.h"
#include "report/line_chart.h"
#include "report/number_image.h"
#include "support/progress.h"

namespace wavemt {
namespace {

constexpr const char* kPageHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{0}</title>
<style>
{1}</style>
</head>
<body>
<h1>{0}</h1>
)";

constexpr const char* kPageStyle =
    R"(:root { color-scheme: light dark; --text: #1b1f24; --page: #fff; --rule: #d5d9de; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e3e6ea; --page: #15181c; --rule: #3a4048; }
}
body { margin: 2rem auto; padding: 0 1rem; max-width: 80rem; color: var(--text);
       background: var(--page); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { padding: .2rem 1rem .2rem 0; text-align: left; vertical-align: top;
         border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
th { font-weight: 600; white-space: nowrap; }
main { display: grid; gap: 2rem; margin-top: 2rem;
       grid-template-columns: repeat(auto-fit, minmax(min(100%, 36rem), 1fr)); }
figure { margin: 0; min-width: 0; }
figcaption { font-weight: 600; margin-bottom: .5rem; }
svg { max-width: 100%; height: auto; font-size: 13px; }
image { image-rendering: pixelated; }
.wide { grid-column: 1 / -1; overflow-x: auto; }
.wide svg { max-width: none; }
)";

constexpr double kImageTop = 8;
constexpr int64_t kImageSize = 512;  // Unless a number needs more.
constexpr double kLegendWidth = 256;

std::string PageRow(std::string_view name, std::string_view text) {
  if (text.empty()) return "";
  return fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", name, EscapeHtml(text));
}

std::string Figure(std::string_view kind, std::string_view title, std::string_view svg) {
  return fmt::format("<figure class=\"{}\">\n<figcaption>{}</figcaption>\n{}</figure>\n", kind,
                     EscapeHtml(title), svg);
}

// Stretched over the axes, in a frame.
std::string FramedImage(const NumberImage& image, const Axis& x, const Axis& y) {
  return fmt::format(R"(<image {0} preserveAspectRatio="none" href="{1}"/>)"
                     R"(<rect {0} fill="none" stroke="currentColor" opacity="0.5"/>)",
                     fmt::format(R"(x="{}" y="{}" width="{}" height="{}")", x.start, y.start,
                                 x.end - x.start, y.end - y.start),
                     image.data_uri);
}

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

// Each number is a whole count of pixels wide and high, at least `least_width` wide: where sizes
// are rounded, waves appear that are not there.
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

}  // namespace

std::string PositionsPage(const PositionStudy& study) {
  std::string page =
      fmt::format(kPageHead, EscapeHtml("Position encoding: " + study.encoding), kPageStyle);
  page += fmt::format("<p>{}</p>\n<table>\n", EscapeHtml(study.effect));
  page += PageRow("Studied", study.origin);
  page += PageRow("Values", study.weights_of);
  page += PageRow("Learned numbers", study.weights == 0 ? "none" : WithThousands(study.weights));
  page += PageRow("In a checkpoint",
                  study.bytes == 0 ? "nothing" : HumanBytes(static_cast<double>(study.bytes)));
  page += "</table>\n";
  if (study.added.empty() && study.similarity.empty() && study.by_distance.empty()) {
    page +=
        "<p>There is nothing to draw, because this encoding adds no numbers to embeddings or "
        "scores.</p>\n";
  }
  page += "<main>\n";
  // Neighbouring dimensions differ more than neighbouring positions do.
  for (const NumberGrid& grid : study.added) page += GridFigure(grid, 2);
  for (const NumberGrid& grid : study.similarity) page += GridFigure(grid, 1);
  for (const DistanceCurves& curves : study.by_distance) {
    page += Figure("chart", curves.title, LineChart(curves));
  }
  return page + "</main>\n</body>\n</html>\n";
}

}  // namespace wavemt
