#include "report/run_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "report/attention_figure.h"
#include "report/bar_chart.h"
#include "report/curve_style.h"
#include "report/html.h"
#include "report/page_parts.h"
#include "report/positions_page.h"
#include "report/run_curves.h"
#include "report/run_page_scripts.h"
#include "report/run_tables.h"
#include "report/sample_section.h"
#include "support/progress.h"

namespace wavemt {
namespace {

constexpr std::string_view kGenerator = "<meta name=\"generator\" content=\"wavemt report\">\n";

std::string HeadElements(const RunReport& report) {
  // The page cannot ask anybody but its own server for anything, whatever is in the runs.
  std::string head = fmt::format(
      "{}<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:{}\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n",
      kGenerator, report.live_stamp.empty() ? "" : "; connect-src 'self'");
  if (!report.live_stamp.empty()) {
    head += fmt::format(
        "<meta name=\"stamp\" content=\"{}\">\n"
        "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>\n",
        EscapeHtml(report.live_stamp));
  }
  return head;
}

std::string TitleOf(const RunReport& report) {
  const std::string& first = report.runs.front().name;
  switch (report.runs.size()) {
    case 1:
      return first;
    case 2:
      return fmt::format("{} and {}", first, report.runs.back().name);
    default:
      return fmt::format("{} and {} other runs", first, report.runs.size() - 1);
  }
}

std::string CurvesSection(const RunReport& report) {
  std::string html = "<h2>Curves</h2>\n";
  const std::vector<StepChart> charts = ChartsOf(report);
  if (charts.empty()) return html + "<p>Nothing has been logged yet.</p>\n";
  html += "<div class=\"figures\">\n";
  for (const StepChart& chart : charts) html += StepChartFigure(chart);
  return html + "</div>\n";
}

BarChart LengthChart(const RunReport& report) {
  BarChart chart{.title = "BLEU by the length of the source",
                 .value_label = "BLEU",
                 .group_label = "words of the source"};
  for (size_t i = 0; i < report.runs.size(); ++i) {
    const auto& evaluation = report.runs[i].evaluation;
    if (!evaluation) continue;
    BarChart::Series series{.name = report.runs[i].name, .color = i};
    for (const LengthBucket& bucket : evaluation->by_length) {
      series.values.push_back(bucket.sentences > 0 ? std::optional(bucket.bleu) : std::nullopt);
    }
    if (evaluation->by_length.size() > chart.groups.size()) {
      chart.groups.clear();
      for (const LengthBucket& bucket : evaluation->by_length) chart.groups.push_back(bucket.words);
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

// "1–10 words: 12 sentences, 11–20 words: 8 sentences"
std::string BucketSizes(const RunEvaluation& evaluation) {
  std::string text;
  for (const LengthBucket& bucket : evaluation.by_length) {
    if (bucket.sentences == 0) continue;
    text += fmt::format("{}{} words: {}", text.empty() ? "" : "; ", bucket.words,
                        Counted(bucket.sentences, "sentence"));
  }
  return text;
}

std::string EvaluationSection(const RunReport& report) {
  const auto is_evaluated = [](const ReportedRun& run) { return run.evaluation.has_value(); };
  if (std::ranges::none_of(report.runs, is_evaluated)) return "";
  std::string html =
      "<h2>Translations of the best model</h2>\n"
      "<p>Translated as `wavemt translate` does; validations during training may have searched "
      "with another beam size.</p>\n<div class=\"scroll\"><table>\n";
  for (size_t i = 0; i < report.runs.size(); ++i) {
    if (!is_evaluated(report.runs[i])) continue;
    const RunEvaluation& evaluation = *report.runs[i].evaluation;
    html += PageRow(LineSample(i, 0) + " " + EscapeHtml(report.runs[i].name),
                    fmt::format("BLEU {:.4g} on {}, {} ({}); {}", evaluation.bleu, evaluation.set,
                                Counted(evaluation.sentences, "sentence"), BucketSizes(evaluation),
                                evaluation.signature));
  }
  html += "</table></div>\n<div class=\"figures\">\n" + BarChartFigure(LengthChart(report)) +
          "</div>\n";
  for (const ReportedRun& run : report.runs) {
    if (!run.evaluation || run.evaluation->attention.empty()) continue;
    html += fmt::format(
        "<h3>What {} attends to</h3>\n<p>A row shows how much each token of the translation "
        "attended to each token of the source when it was chosen, as the mean over the heads of "
        "the layer that decoding.attention_layer names.</p>\n<div class=\"figures\">\n",
        EscapeHtml(run.name));
    for (const AttentionGrid& grid : run.evaluation->attention) html += AttentionFigure(grid);
    html += "</div>\n";
  }
  return html;
}

std::string PositionsSection(const RunReport& report) {
  std::string html;
  std::vector<std::string> drawn;
  for (const ReportedRun& run : report.runs) {
    if (!run.positions) continue;
    std::string figures = run.positions->encoding + PositionsFigures(*run.positions);
    // Of runs with the same pictures, the first one shows them.
    if (std::ranges::find(drawn, figures) != drawn.end()) continue;
    html += fmt::format("<h3>{}: {}</h3>\n{}<div class=\"figures\">\n{}</div>\n",
                        EscapeHtml(run.name), EscapeHtml(run.positions->encoding),
                        PositionsFacts(*run.positions), PositionsFigures(*run.positions));
    drawn.push_back(std::move(figures));
  }
  return html.empty() ? "" : "<h2>Positions</h2>\n" + html;
}

}  // namespace

std::string RunPage(const RunReport& report) {
  std::string page = OpenPage(TitleOf(report), kRunPageStyle, HeadElements(report));
  if (!report.live_stamp.empty()) {
    constexpr const char* kText = "Live: the page follows the training.";
    page += fmt::format("<p id=\"live\" role=\"status\" data-text=\"{0}\">{0}</p>\n", kText);
  }
  page += "<main>\n" + RunsTable(report) + ConfigTables(report) + CurvesSection(report) +
          SampleSection(report) + EvaluationSection(report) + PositionsSection(report) +
          "</main>\n";
  page += fmt::format("<p class=\"quiet\">Made by {}.</p>\n", EscapeHtml(report.made));
  page += kReadingScript;
  if (!report.live_stamp.empty()) page += kLiveScript;
  return page + ClosePage();
}

bool IsRunPage(std::string_view text) {
  return text.substr(0, kRunPageMarkBytes).find(kGenerator) != std::string_view::npos;
}

std::string_view RunPagePolicy() {
  return "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
         "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'";
}

}  // namespace wavemt
