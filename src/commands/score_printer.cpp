#include "commands/score_printer.h"

#include <fmt/format.h>

#include <algorithm>

#include "commands/score_json.h"
#include "support/characters.h"

namespace wavemt {
namespace {

using Row = std::vector<std::string>;

size_t NumCharacters(std::string_view text) {
  size_t count = 0;
  ForEachCharacter(text, [&](char32_t, std::string_view) { ++count; });
  return count;
}

// Aligns the cells in columns, two spaces apart.
std::string Columns(std::span<const Row> rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], NumCharacters(row[i]));
  }
  std::string text;
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const bool is_last = i + 1 == row.size();
      text += row[i];
      text += is_last ? "\n" : std::string(widths[i] - NumCharacters(row[i]) + 2, ' ');
    }
  }
  return text;
}

// "41.3 (41.2 ± 1.3) (p = 0.0120)*", as in sacreBLEU's table.
std::string Cell(const MetricResult& result, int width) {
  std::string cell = FixedWidth(result.score.value, width);
  if (result.interval) {
    cell += fmt::format(" ({} ± {})", FixedWidth(result.interval->mean, width),
                        FixedWidth(result.interval->half_width, width));
  }
  if (result.p_value) {
    cell += fmt::format(" (p = {:.4f}){}", *result.p_value, *result.p_value > 0.05 ? "" : "*");
  }
  return cell;
}

}  // namespace

std::string ScorePrinter::Line(const MetricResult& result) const {
  std::string score = ScoreText(result, options_.width);
  if (options_.score_only) return score;
  const std::string signature = Signature(*result.metric, result.context, options_.short_signature);
  return fmt::format("{}|{} = {}{}{}", result.metric->Name(), signature, score,
                     result.score.details.empty() ? "" : " ", result.score.details);
}

// Aligns the equals signs.
void ScorePrinter::PrintLines(std::span<const SetResults> sets) {
  std::vector<std::string> lines;
  for (const auto& [set, results] : sets) {
    const std::string name = set.empty() || options_.score_only ? "" : fmt::format("{}: ", set);
    for (const MetricResult& result : results) lines.push_back(name + Line(result));
  }
  size_t widest = 0;
  for (const std::string& line : lines) {
    if (!options_.score_only) widest = std::max(widest, line.find('='));
  }
  for (const std::string& line : lines) {
    const size_t missing = options_.score_only ? 0 : widest - line.find('=');
    output_.Write(std::string(missing, ' ') + line + "\n");
  }
}

void ScorePrinter::PrintSets(std::span<const SetResults> sets) {
  if (options_.json) {
    Json array = Json::array();
    for (const auto& [set, results] : sets) {
      for (const MetricResult& result : results) array.push_back(ScoreToJson(result, set));
    }
    output_.Write(array.dump(2) + "\n");
  } else if (options_.format == "json") {
    std::string text;
    size_t count = 0;
    for (const auto& [set, results] : sets) {
      for (const MetricResult& result : results) {
        text += (text.empty() ? "" : ",\n") + ScoreAsSacrebleu(result, options_, set);
        ++count;
      }
    }
    output_.Write(count > 1 ? "[\n" + text + "\n]\n" : text + "\n");
  } else {
    PrintLines(sets);
  }
  output_.Finish();
}

void ScorePrinter::PrintTable(std::span<const SystemResults> systems) {
  std::vector<Row> rows(1, Row{"System"});
  for (const MetricResult& result : systems.front().results) {
    rows.front().push_back(result.metric->Name() + (result.interval ? " (μ ± 95% CI)" : ""));
  }
  for (const auto& [system, results] : systems) {
    rows.push_back({system});
    for (const MetricResult& result : results) {
      rows.back().push_back(Cell(result, options_.width));
    }
  }
  output_.Write(Columns(rows));
}

void ScorePrinter::PrintTableNotes(std::span<const SystemResults> systems) {
  const bool paired = systems.back().results.front().p_value.has_value();
  output_.Write(paired ? "\np: how often chance alone makes a difference to the baseline as large "
                         "as this one.\n*: p <= 0.05.\n\n"
                       : "\n");
  for (const MetricResult& result : systems.front().results) {
    output_.Write(fmt::format(" - {:<10} {}\n", result.metric->Name(),
                              Signature(*result.metric, result.context, options_.short_signature)));
  }
}

void ScorePrinter::PrintSystems(std::span<const SystemResults> systems) {
  if (options_.json) {
    output_.Write(SystemsToJson(systems).dump(2) + "\n");
  } else if (options_.format == "json") {
    output_.Write(SystemsAsSacrebleu(systems, options_).dump(4) + "\n");
  } else {
    PrintTable(systems);
    PrintTableNotes(systems);
  }
  output_.Finish();
}

void ScorePrinter::PrintSentence(const MetricResult& result) {
  output_.Write(options_.json ? (sentences_begun_ ? ",\n" : "[\n") + ScoreToJson(result).dump()
                              : Line(result) + "\n");
  sentences_begun_ = true;
}

void ScorePrinter::FinishSentences() {
  if (options_.json) output_.Write(sentences_begun_ ? "\n]\n" : "[]\n");
  output_.Finish();
}

}  // namespace wavemt
