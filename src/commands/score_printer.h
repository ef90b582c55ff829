#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "commands/text_output.h"
#include "evaluation/metric.h"
#include "evaluation/resampling.h"
#include "evaluation/signature.h"

namespace wavemt {

/// How scores are printed. Without `json`, the output equals sacreBLEU's byte for byte.
struct OutputOptions {
  bool json = false;  // Full precision, with all components of each score.
  std::string format = "text";
  int width = 1;  // Decimals.
  bool score_only = false;
  bool short_signature = false;
};

/// A metric's score for a corpus or a sentence.
struct MetricResult {
  const Metric* metric = nullptr;
  Score score;
  SignatureContext context;
  std::optional<ConfidenceInterval> interval{};
  std::optional<double> p_value{};
};

struct SystemResults {
  std::string system;
  std::vector<MetricResult> results;  // One per metric.
};

/// The scores of one of the sets of a test; `set` is empty if there is only one, without a name.
struct SetResults {
  std::string set;
  std::vector<MetricResult> results;  // One per metric.
};

/// Writes scores to standard output.
class ScorePrinter {
 public:
  explicit ScorePrinter(const OutputOptions& options) : options_(options) {}

  /// Prints the scores of one system: one object or line per set and metric.
  void PrintSets(std::span<const SetResults> sets);
  /// Prints the scores of several systems: a table, or an array.
  void PrintSystems(std::span<const SystemResults> systems);
  /// Prints the next sentence's score: one line, or with --json an element of an array that
  /// FinishSentences() closes.
  void PrintSentence(const MetricResult& result);
  void FinishSentences();

 private:
  std::string Line(const MetricResult& result) const;
  void PrintLines(std::span<const SetResults> sets);
  void PrintTable(std::span<const SystemResults> systems);
  void PrintTableNotes(std::span<const SystemResults> systems);

  OutputOptions options_;
  TextOutput output_{"-"};
  bool sentences_begun_ = false;
};

}  // namespace wavemt
