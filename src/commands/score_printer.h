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

/// How scores are printed. All but `json` is as in sacreBLEU, to the byte.
struct OutputOptions {
  bool json = false;  // Full precision, every part of every metric.
  std::string format = "text";
  int width = 1;  // Decimals.
  bool score_only = false;
  bool short_signature = false;
};

/// A metric's score of a corpus or a sentence.
struct MetricResult {
  const Metric* metric = nullptr;
  Score score;
  SignatureContext context;
  std::optional<ConfidenceInterval> interval{};
  std::optional<double> p_value{};
};

struct SystemResults {
  std::string system;
  std::vector<MetricResult> results;  // One a metric.
};

/// Writes scores to standard output.
class ScorePrinter {
 public:
  explicit ScorePrinter(const OutputOptions& options) : options_(options) {}

  /// One system: an object or a line a metric.
  void PrintResults(std::span<const MetricResult> results);
  /// Several systems: a table, or an array.
  void PrintSystems(std::span<const SystemResults> systems);
  /// A sentence, one after the other: a line each, or with --json an array that FinishSentences()
  /// ends.
  void PrintSentence(const MetricResult& result);
  void FinishSentences();

 private:
  std::string Line(const MetricResult& result) const;
  void PrintLines(std::span<const MetricResult> results);
  void PrintTable(std::span<const SystemResults> systems);
  void PrintTableNotes(std::span<const SystemResults> systems);

  OutputOptions options_;
  TextOutput output_{"-"};
  bool sentences_begun_ = false;
};

}  // namespace wavemt
