#include "report/run_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "report/curve_style.h"
#include "report/html.h"
#include "support/progress.h"

namespace wavemt {
namespace {

// A cell of a run in plain text; empty: unknown.
using CellOf = std::function<std::string(const RunRecord&)>;

std::string TableHead(const RunReport& report, std::string_view corner) {
  std::string html = fmt::format("<thead><tr><th scope=\"col\">{}</th>", corner);
  for (size_t i = 0; i < report.runs.size(); ++i) {
    html += fmt::format("<th scope=\"col\">{} {}</th>", LineSample(i, i / kNumCurveStyles),
                        EscapeHtml(report.runs[i].name));
  }
  return html + "</tr></thead>\n";
}

// A row, unless no run has a text for it.
std::string RunsRow(const RunReport& report, const std::string& name, const CellOf& cell_of) {
  std::string html = fmt::format("<tr><th scope=\"row\">{}</th>", EscapeHtml(name));
  bool is_empty = true;
  for (const ReportedRun& run : report.runs) {
    const std::string cell = cell_of(run.record);
    is_empty = is_empty && cell.empty();
    html += fmt::format("<td>{}</td>", cell.empty() ? "\u2013" : EscapeHtml(cell));
  }
  return is_empty ? "" : html + "</tr>\n";
}

// In the order in which the log has them; of all runs.
std::vector<std::string> ScoreKeysOf(const RunReport& report) {
  std::vector<std::string> keys;
  for (const ReportedRun& run : report.runs) {
    for (const LoggedSeries& series : run.record.metrics.series) {
      if (!ScoreKeyOf(run.record.metrics, series.key)) continue;
      if (std::ranges::find(keys, series.key) == keys.end()) keys.push_back(series.key);
    }
  }
  return keys;
}

// "BLEU on valid/news" for "valid/news/bleu".
std::string ScoreName(const std::string& key) {
  const size_t slash = key.rfind('/');
  return fmt::format("{} on {}", MetricTitle(key.substr(slash + 1)), key.substr(0, slash));
}

std::string ScoreCell(const RunRecord& run, const std::string& key) {
  const LoggedSeries* series = run.metrics.Find(key);
  if (series == nullptr || !run.best_step) return "";
  const LoggedSeries::Point* point = series->At(*run.best_step);
  if (point == nullptr) return "";
  std::string text =
      std::isfinite(point->value) ? fmt::format("{:.4g}", point->value) : "not finite";
  if (!series->signature.empty()) text += fmt::format("  {}", series->signature);
  return text;
}

std::string StepsCell(const RunRecord& run) {
  return fmt::format("{} of {}, epoch {}", WithThousands(run.metrics.last_step),
                     WithThousands(run.max_steps), WithThousands(run.metrics.last_epoch));
}

double MedianOf(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string SpeedCell(const RunRecord& run) {
  const LoggedSeries* series = run.metrics.Find("tokens_per_second");
  if (series == nullptr) return "";
  std::vector<double> speeds;
  for (const auto& point : series->points) {
    if (std::isfinite(point.value) && std::abs(point.value) < 1e15) speeds.push_back(point.value);
  }
  return speeds.empty() ? "" : WithThousands(std::llround(MedianOf(std::move(speeds))));
}

std::string SkippedCell(const RunRecord& run) {
  const LoggedSeries* series = run.metrics.Find("skipped_steps");
  if (series == nullptr) return "";
  const double skipped = series->points.back().value;
  return skipped > 0 && skipped < 1e15 ? WithThousands(std::llround(skipped)) : "";
}

std::string DamagedCell(const RunRecord& run) {
  std::string text;
  if (run.metrics.damaged_lines > 0) {
    text = fmt::format("{} of metrics.jsonl", Counted(run.metrics.damaged_lines, "line"));
  }
  if (run.samples.damaged_lines > 0) {
    text += fmt::format("{}{} of samples.jsonl", text.empty() ? "" : ", ",
                        Counted(run.samples.damaged_lines, "line"));
  }
  return text;
}

std::string CountCell(const std::optional<int64_t>& number) {
  return number ? WithThousands(*number) : "";
}

std::string JoinedTexts(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, "; then "));
}

// A config's keys, by their names.
using KeysByName = std::map<std::string, const RecordedKey*>;

std::vector<KeysByName> KeysOfRuns(const RunReport& report) {
  std::vector<KeysByName> runs;
  for (const ReportedRun& run : report.runs) {
    KeysByName& keys = runs.emplace_back();
    for (const RecordedKey& key : run.record.config) keys.emplace(key.key, &key);
  }
  return runs;
}

// In the order of the configs. A key is missing in a config that has a list in its place.
std::vector<std::string> AllKeys(const RunReport& report) {
  std::vector<std::string> keys;
  std::set<std::string> seen;
  for (const ReportedRun& run : report.runs) {
    for (const RecordedKey& key : run.record.config) {
      if (seen.insert(key.key).second) keys.push_back(key.key);
    }
  }
  return keys;
}

const std::string& ValueIn(const KeysByName& keys, const std::string& name) {
  static const std::string kMissing = "\u2013";
  const auto found = keys.find(name);
  return found == keys.end() ? kMissing : found->second->value;
}

bool IsShown(const std::vector<KeysByName>& runs, const std::string& name) {
  if (runs.size() == 1) return !runs.front().at(name)->is_default;
  return std::ranges::any_of(runs, [&](const KeysByName& keys) {
    return ValueIn(keys, name) != ValueIn(runs.front(), name);
  });
}

std::string ConfigRow(const std::vector<KeysByName>& runs, const std::string& name) {
  std::string html = fmt::format("<tr><th scope=\"row\"><code>{}</code></th>", EscapeHtml(name));
  for (const KeysByName& keys : runs) {
    html += fmt::format("<td><code>{}</code></td>", EscapeHtml(ValueIn(keys, name)));
  }
  return html + "</tr>\n";
}

}  // namespace

std::string RunsTable(const RunReport& report) {
  std::string html =
      "<div class=\"scroll\"><table class=\"runs\">\n" + TableHead(report, "run") + "<tbody>\n";
  const auto row = [&](const std::string& name, const CellOf& cell_of) {
    html += RunsRow(report, name, cell_of);
  };
  row("best step", [](const RunRecord& run) {
    return run.best_step ? fmt::format("{}, by {}", WithThousands(*run.best_step),
                                       MetricTitle(run.best_metric))
                         : "";
  });
  for (const std::string& key : ScoreKeysOf(report)) {
    row(fmt::format("{} at that step", ScoreName(key)),
        [&key](const RunRecord& run) { return ScoreCell(run, key); });
  }
  row("translates with", [](const RunRecord& run) { return run.average; });
  row("steps", StepsCell);
  row("time in training", [](const RunRecord& run) { return HumanDuration(run.seconds); });
  row("tokens/s, median", SpeedCell);
  row("target tokens", [](const RunRecord& run) { return CountCell(run.target_tokens); });
  row("steps skipped", SkippedCell);
  row("languages", [](const RunRecord& run) {
    if (run.source_language.empty() && run.target_language.empty()) return std::string();
    const auto name = [](const std::string& code) { return code.empty() ? "?" : code; };
    return fmt::format("{} \u2192 {}", name(run.source_language), name(run.target_language));
  });
  row("model", [](const RunRecord& run) { return run.model; });
  row("weights", [](const RunRecord& run) { return CountCell(run.weights); });
  row("positions", [](const RunRecord& run) { return run.positions; });
  row("vocabulary", [](const RunRecord& run) { return run.vocabulary; });
  row("trained with", [](const RunRecord& run) { return JoinedTexts(run.starts.programs); });
  row("trained on", [](const RunRecord& run) { return JoinedTexts(run.starts.machines); });
  row("folder", [](const RunRecord& run) { return run.path.string(); });
  row("damaged and left out", DamagedCell);
  return html + "</tbody></table></div>\n";
}

std::string ConfigTables(const RunReport& report) {
  const bool is_one = report.runs.size() == 1;
  const std::vector<KeysByName> runs = KeysOfRuns(report);
  std::string rows;
  for (const std::string& name : AllKeys(report)) {
    if (IsShown(runs, name)) rows += ConfigRow(runs, name);
  }
  std::string html = fmt::format(
      "<h2>{}</h2>\n", is_one ? "Config: what is not the default" : "Config: what differs");
  if (rows.empty()) {
    html += is_one ? "<p>Every key has its default.</p>\n" : "<p>All configs are the same.</p>\n";
  } else {
    html += "<div class=\"scroll\"><table>\n" + TableHead(report, "key") + "<tbody>\n" + rows +
            "</tbody></table></div>\n";
  }
  for (const ReportedRun& run : report.runs) {
    html +=
        fmt::format("<details><summary>The whole config of {}</summary>\n<pre>{}</pre></details>\n",
                    EscapeHtml(run.name), EscapeHtml(run.record.config_text));
  }
  return html;
}

}  // namespace wavemt
