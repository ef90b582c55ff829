#include "commands/training_summary.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/display_width.h"
#include "support/logging.h"
#include "support/progress.h"
#include "support/shell_word.h"
#include "training/validation.h"
#include "workflow/best_model.h"

namespace wavemt {
namespace {

struct SummaryRow {
  std::string name;
  std::string value;
  std::string note{};  // After the value, or in a line of its own.
};

void LogRow(const SummaryRow& row, size_t name_width) {
  const std::optional<int> width = MessageWidth();
  const auto fits = [&](const std::string& line) { return !width || DisplayWidth(line) <= *width; };
  const auto log = [](const std::string& line) { spdlog::info("{}", line); };
  std::string line = fmt::format("  {:<{}}  {}", row.name, name_width, row.value);
  if (!fits(line)) {
    log("  " + row.name);
    line = "    " + row.value;
  }
  if (row.note.empty()) return log(line);
  if (const std::string whole = line + "  " + row.note; fits(whole)) return log(whole);
  log(line);
  log("    " + row.note);
}

std::vector<SummaryRow> RowsOf(const TrainingJob& job, const TrainingState& state) {
  const RunDirectory& run = *job.inputs.run;
  const std::optional<BestModel> best = FindBestModel(run);
  std::vector<SummaryRow> rows;
  if (best && best->is_best) {
    rows.push_back({"best step", best->step ? WithThousands(*best->step)
                                            : "the average of the best checkpoints"});
    for (const NamedScore& score : best->scores) {
      const std::string_view metric =
          std::string_view(score.name).substr(std::string_view(kValidKey).size() + 1);
      // As the line of a validation has them.
      rows.push_back({std::string(MetricText(metric)),
                      fmt::format("{:.{}f}", score.value, metric == "loss" ? 3 : 2),
                      Displayable(score.signature)});
    }
  }
  rows.push_back({"time trained", HumanDuration(state.seconds)});
  rows.push_back({"target tokens", WithThousands(state.target_tokens)});
  if (best) rows.push_back({"model", Displayable(best->checkpoint.string())});
  const std::string word = ShellWord(run.path().string());
  rows.push_back({"next", job.config.data.test.empty()
                              ? fmt::format("wavemt translate {} < FILE", word)
                              : fmt::format("wavemt evaluate {}", word)});
  return rows;
}

}  // namespace

void LogTrainingSummary(const TrainingJob& job, const TrainingOutcome& outcome) {
  const std::vector<SummaryRow> rows = RowsOf(job, outcome.state);
  size_t name_width = 0;
  for (const SummaryRow& row : rows) name_width = std::max(name_width, row.name.size());
  for (const SummaryRow& row : rows) LogRow(row, name_width);
}

}  // namespace wavemt
