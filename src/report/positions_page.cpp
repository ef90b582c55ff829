#include "report/positions_page.h"

#include <fmt/format.h>

#include "report/grid_figure.h"
#include "report/html.h"
#include "report/line_chart.h"
#include "report/page_parts.h"
#include "support/progress.h"

namespace wavemt {

std::string PositionsFacts(const PositionStudy& study) {
  std::string html = fmt::format("<p>{}</p>\n<table>\n", EscapeHtml(study.effect));
  html += PageRow("Studied", study.origin);
  html += PageRow("Values", study.weights_of);
  html += PageRow("Learned numbers", study.weights == 0 ? "none" : WithThousands(study.weights));
  html += PageRow("In a checkpoint",
                  study.bytes == 0 ? "nothing" : HumanBytes(static_cast<double>(study.bytes)));
  html += "</table>\n";
  if (study.added.empty() && study.similarity.empty() && study.by_distance.empty()) {
    html +=
        "<p>There is nothing to draw, because this encoding adds no numbers to embeddings or "
        "scores.</p>\n";
  }
  return html;
}

std::string PositionsFigures(const PositionStudy& study) {
  std::string html;
  // Neighbouring dimensions differ more than neighbouring positions do.
  for (const NumberGrid& grid : study.added) html += GridFigure(grid, 2);
  for (const NumberGrid& grid : study.similarity) html += GridFigure(grid, 1);
  for (const DistanceCurves& curves : study.by_distance) {
    html += Figure("chart", curves.title, LineChart(curves));
  }
  return html;
}

std::string PositionsPage(const PositionStudy& study) {
  return OpenPage("Position encoding: " + study.encoding) + PositionsFacts(study) +
         "<main class=\"figures\">\n" + PositionsFigures(study) + "</main>\n" + ClosePage();
}

}  // namespace wavemt
